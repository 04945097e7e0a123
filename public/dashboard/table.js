// Tables: a caption for screen readers, a header per column, figures to the right.
import { h } from "./elements.js";

/** Columns are `{ name, figure?, cell(row) }`; a cell is text, an element, or several of them. */
export class Table {
  #columns;
  #shown = "";

  constructor(caption, columns) {
    this.#columns = columns;
    this.body = h("tbody");
    const head = columns.map(({ name, figure }) => h("th", { scope: "col", class: figure && "figure" }, name));
    this.element = h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, head)), this.body),
    );
  }

  row(item) {
    const cells = this.#columns.map(({ figure, cell }, at) =>
      h(at ? "td" : "th", { class: figure && "figure", scope: at ? null : "row" }, cell(item)),
    );
    return h("tr", {}, cells);
  }

  /** Shows these rows; nothing is touched while they are the same, so that no focus or selection is lost. */
  show(rows) {
    const shown = JSON.stringify(rows);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
  }
}
