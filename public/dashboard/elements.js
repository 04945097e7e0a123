// Elements made from text. Nothing here, or above, turns a string into HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value != null && value !== false) element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** An HTML element. Strings among the children become text; null, undefined and false are left out. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** The same in SVG. */
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** A word with a colour: the word says it too. */
export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

/** A share of a whole as a bar; `label` is read out. */
export function meter(share, label) {
  const bounded = Math.min(1, Math.max(0, Number(share) || 0));
  const kind = bounded >= 1 ? "bad" : bounded >= 0.8 ? "warn" : "";
  const bar = h("span", { class: "meter-bar" });
  bar.style.setProperty("inline-size", `${100 * bounded}%`);
  const value = Math.round(100 * bounded);
  return h(
    "span",
    {
      class: `meter ${kind}`,
      role: "meter",
      "aria-label": label,
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": value,
    },
    bar,
  );
}

/** A form field under its label. */
export const field = (label, control, kind = "") => h("label", { class: kind }, h("span", {}, label), control);

/** Options of a select; a value that is no longer offered stays selected. */
export function offer(select, values, named = (value) => value) {
  const known = new Set([...select.options].map((option) => option.value));
  select.append(...values.filter((value) => !known.has(value)).map((value) => new Option(named(value), value)));
}
