// A chart over time in SVG, with the table of its figures behind it. Pointing at a period reads it out below.
import { h, svg } from "./elements.js";
import { periodName } from "./format.js";
import { labelled, steps } from "./scale.js";
import { Table } from "./table.js";

const HEIGHT = 200;
const EDGE = { top: 10, right: 8, bottom: 24, left: 52 };
const LABEL_ROOM = 64;

const total = (values) => values.reduce((sum, value) => sum + (value ?? 0), 0);

export class Chart {
  #kind;
  #format;
  #tick;
  #title;
  #data = { periods: [], series: [] };
  #width = 0;
  #shown = "";
  #headline = h("span", { class: "headline" });
  #legend = h("ul", { class: "legend" });
  #plot = h("div", { class: "plot" });
  #read = h("p", { class: "readout" });
  #table = h("div");

  /** `kind` is `bars` (stacked) or `lines`; `format` writes a value, `tick` one on the axis; `note` says how to read it. */
  constructor({ title, kind, format, tick = format, note = "" }) {
    this.#kind = kind;
    this.#format = format;
    this.#tick = tick;
    this.#title = title;
    this.element = h(
      "figure",
      { class: "chart" },
      h("figcaption", {}, h("span", { class: "chart-title" }, title), this.#headline),
      this.#plot,
      this.#read,
      this.#legend,
      note && h("p", { class: "note" }, note),
      h("details", {}, h("summary", {}, "Figures", h("span", { class: "unseen" }, ` of ${title}`)), this.#table),
    );
    new ResizeObserver(([{ contentRect }]) => {
      if (Math.abs(contentRect.width - this.#width) < 1) return;
      this.#width = contentRect.width;
      this.#draw();
    }).observe(this.#plot);
    this.#plot.addEventListener("pointermove", (event) => this.#point(event));
    this.#plot.addEventListener("pointerleave", () => this.#leave());
  }

  /** `periods` are the books' names of them; `series` are `{ name, colour, values }`, null where nothing is known. */
  show({ periods, series, headline }) {
    const shown = JSON.stringify({ periods, series, headline });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#data = { periods, series };
    this.#headline.textContent = headline;
    this.#legend.replaceChildren(
      ...series.map(({ name, colour }) => h("li", {}, h("span", { class: `swatch ${colour}` }), name)),
    );
    this.#legend.hidden = series.length < 2;
    const columns = [
      { name: "Time (UTC)", cell: ({ at }) => periods[at].replace("T", " ").replace("Z", "") },
      ...series.map(({ name, values }) => ({ name, figure: true, cell: ({ at }) => this.#format(values[at]) })),
    ];
    const table = new Table(this.#title, columns);
    table.show(periods.map((_, at) => ({ at })).reverse());
    this.#table.replaceChildren(table.element);
    this.#leave();
    this.#draw();
  }

  get #inner() {
    return { width: Math.max(40, this.#width - EDGE.left - EDGE.right), height: HEIGHT - EDGE.top - EDGE.bottom };
  }

  #most() {
    const { periods, series } = this.#data;
    if (this.#kind === "bars")
      return Math.max(0, ...periods.map((_, at) => total(series.map(({ values }) => values[at]))));
    return Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  }

  #draw() {
    const { periods, series } = this.#data;
    if (!this.#width || !periods.length) return;
    const { width, height } = this.#inner;
    const ticks = steps(this.#most());
    const y = (value) => EDGE.top + height - (height * value) / ticks.at(-1);
    const slot = width / periods.length;
    const x = (at) => EDGE.left + slot * (at + 0.5);
    const grid = ticks.map((tick) => [
      svg("line", { class: "grid", x1: EDGE.left, x2: EDGE.left + width, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "axis", x: EDGE.left - 8, y: y(tick) + 4, "text-anchor": "end" }, this.#tick(tick)),
    ]);
    const edge = (at) =>
      at === periods.length - 1 && slot < LABEL_ROOM
        ? { x: EDGE.left + width, "text-anchor": "end" }
        : { x: x(at), "text-anchor": "middle" };
    const names = labelled(periods.length, width, LABEL_ROOM).map((at) =>
      svg("text", { class: "axis", y: HEIGHT - 6, ...edge(at) }, periodName(periods[at])),
    );
    const marks =
      this.#kind === "bars" ? bars(periods, series, { x, y, slot }) : series.map((each) => line(each, { x, y }));
    const label = `${this.#title}: ${this.#headline.textContent}. ${periods.length} periods up to ${periods.at(-1)}.`;
    this.#plot.replaceChildren(
      svg(
        "svg",
        {
          role: "img",
          "aria-label": label,
          width: this.#width,
          height: HEIGHT,
          viewBox: `0 0 ${this.#width} ${HEIGHT}`,
        },
        grid,
        svg("rect", { class: "pointed", y: EDGE.top, height, width: slot, x: 0, visibility: "hidden" }),
        marks,
        names,
      ),
    );
  }

  #point(event) {
    const { periods, series } = this.#data;
    const pointed = this.#plot.querySelector(".pointed");
    if (!pointed) return;
    const slot = this.#inner.width / periods.length;
    const at = Math.floor((event.clientX - this.#plot.getBoundingClientRect().left - EDGE.left) / slot);
    if (at < 0 || at >= periods.length) return this.#leave();
    pointed.setAttribute("x", EDGE.left + slot * at);
    pointed.setAttribute("visibility", "visible");
    const known = series.filter(({ values }) => values[at] != null);
    const told = known.filter(({ values }) => this.#kind === "lines" || values[at] > 0);
    const figures = told.map(({ name, values }) => `${series.length > 1 ? `${name} ` : ""}${this.#format(values[at])}`);
    this.#read.textContent = `${periods[at].replace("T", " ").replace("Z", "")} · ${figures.join(" · ") || this.#format(0)}`;
  }

  #leave() {
    this.#plot.querySelector(".pointed")?.setAttribute("visibility", "hidden");
    this.#read.textContent = "";
  }
}

function bars(periods, series, { x, y, slot }) {
  const width = Math.max(1, Math.min(28, slot * 0.72));
  return periods.flatMap((_, at) => {
    let below = 0;
    return series.map(({ colour, values }) => {
      const value = values[at] ?? 0;
      if (value <= 0) return null;
      const top = y(below + value);
      const bar = {
        class: `bar ${colour}`,
        x: x(at) - width / 2,
        y: top,
        width,
        height: Math.max(0.5, y(below) - top),
      };
      below += value;
      return svg("rect", bar);
    });
  });
}

/** A line with a gap where nothing is known; a point alone between gaps is a dot. */
function line({ colour, values }, { x, y }) {
  const runs = [[]];
  values.forEach((value, at) => {
    if (value == null) runs.push([]);
    else runs.at(-1).push([x(at), y(value)]);
  });
  return runs
    .filter((run) => run.length)
    .map((run) =>
      run.length === 1
        ? svg("circle", { class: `dot ${colour}`, cx: run[0][0], cy: run[0][1], r: 3 })
        : svg("polyline", { class: `line ${colour}`, points: run.map((point) => point.join(",")).join(" ") }),
    );
}
