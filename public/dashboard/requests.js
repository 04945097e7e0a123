// Recent requests, each of which opens to what happened: tries, why that model, where the money went.
import { read } from "./api.js";
import { badge, field, h } from "./elements.js";
import { count, dollars, lately, milliseconds, NONE, plain, when } from "./format.js";
import { Panel } from "./panel.js";
import { Table } from "./table.js";

const PAGE = 50;
/** A user as the books know them: by a hash of their id. */
const PERSON = /^[0-9a-f]{20}$/;
const KINDS = {
  call: "",
  exact: "good",
  semantic: "good",
  duplicate: "good",
  error: "bad",
  lost: "bad",
  hangup: "warn",
  refused: "warn",
};
const WORDS = { call: "answered", exact: "cached", semantic: "cached, similar", hangup: "hung up" };

const outcome = ({ kind, error, status }) => [
  badge(WORDS[kind] ?? plain(kind), KINDS[kind] ?? ""),
  error && h("span", { class: "quiet" }, ` ${error}${status ? ` (${status})` : ""}`),
];

const COLUMNS = [
  { name: "Time (UTC)", cell: (row) => lately(row.timestamp) },
  { name: "Outcome", cell: outcome },
  { name: "Model", cell: (row) => [plain(row.model), row.fallback && [" ", badge("fallback", "warn")]] },
  { name: "Task", cell: (row) => plain(row.task) },
  { name: "User", cell: (row) => h("span", { class: "clipped" }, plain(row.user)) },
  { name: "Tokens", figure: true, cell: (row) => count((row.inputTokens ?? 0) + (row.outputTokens ?? 0)) },
  { name: "Cost", figure: true, cell: (row) => dollars(row.cost) },
  { name: "Latency", figure: true, cell: (row) => (row.kind === "call" ? milliseconds(row.latencyMs) : NONE) },
];

const pair = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/** What happened, in full. */
function story(row) {
  const tries = Array.isArray(row.tries) ? row.tries : [];
  const table = new Table("Tries", [
    { name: "Try", cell: (each) => plain(each.model) },
    { name: "Outcome", cell: (each) => badge(plain(each.outcome), each.outcome === "ok" ? "good" : "bad") },
    { name: "Status", figure: true, cell: (each) => plain(each.status) },
    { name: "Time", figure: true, cell: (each) => milliseconds(each.ms) },
    { name: "Cost", figure: true, cell: (each) => dollars(each.cost) },
  ]);
  table.show(tries);
  return h(
    "div",
    { class: "story" },
    h(
      "dl",
      { class: "facts" },
      pair("Request", h("code", {}, plain(row.requestId))),
      pair("Ended (UTC)", when(row.timestamp)),
      pair("Asked for", plain(row.modelRequested)),
      pair("Tier", plain(row.tier)),
      pair("Input", `${count(row.inputTokens)} tokens, ${count(row.cachedInputTokens)} of them cached`),
      pair("Output", `${count(row.outputTokens)} tokens, ${count(row.reasoningTokens)} of them reasoning`),
      pair("First token", milliseconds(row.firstTokenMs)),
      pair(
        "Cost",
        `${dollars(row.cost)}${row.priceKnown === false ? ", price unknown" : ""}${row.estimated ? ", estimated" : ""}`,
      ),
      pair("Of that wasted", dollars(row.costSplit?.wasted)),
      pair("Saved", dollars(row.saved)),
      pair("Tries", count(row.attempts)),
      row.tags?.length > 0 &&
        pair(
          "Tags",
          row.tags.map((tag) => badge(String(tag))),
        ),
      row.keyId && pair("API key", h("code", {}, String(row.keyId))),
      row.arm && pair("Rollout", `${row.arm} side`),
      row.ownKeys && pair("Provider key", "the caller's own"),
    ),
    row.routing && h("p", {}, h("strong", {}, "Why this model: "), String(row.routing)),
    tries.length > 0 && table.element,
  );
}

/** A table whose rows open. */
class Openable extends Table {
  #open = new Set();

  row(item) {
    const line = super.row(item);
    const [first] = line.cells;
    const id = `story-${item.requestId}-${item.timestamp}`.replace(/[^\w-]/g, "-");
    const button = h("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": id }, [
      ...first.childNodes,
    ]);
    const detail = h("tr", { id, class: "detail", hidden: true }, h("td", { colspan: line.cells.length }));
    const turn = (open) => {
      button.setAttribute("aria-expanded", String(open));
      detail.hidden = !open;
      detail.cells[0].replaceChildren(...(open ? [story(item)] : []));
      if (open) this.#open.add(id);
      else this.#open.delete(id);
    };
    button.addEventListener("click", () => turn(detail.hidden));
    first.replaceChildren(button);
    if (this.#open.has(id)) turn(true);
    const both = document.createDocumentFragment();
    both.append(line, detail);
    return both;
  }
}

export class Requests {
  #user = h("input", { type: "search", autocomplete: "off", maxlength: 256 });
  #model = h("input", { type: "search", autocomplete: "off", maxlength: 200 });
  #errors = h("input", { type: "checkbox" });
  #older = h("button", { type: "button" }, "Older");
  #newest = h("button", { type: "button", hidden: true }, "Newest");
  #table = new Openable("Recent requests", COLUMNS);
  #before = "";
  #next = "";
  #panel = new Panel(
    "Recent requests",
    { plain: true },
    this.#table.element,
    h("p", { class: "controls" }, this.#newest, this.#older),
  );
  #filters = h(
    "form",
    { class: "controls", role: "search", "aria-label": "Requests" },
    field("User", this.#user),
    field("Model", this.#model),
    field("Errors only", this.#errors, "check"),
    h("button", {}, "Filter"),
  );

  title = "Requests";
  element = h("div", {}, this.#filters, this.#panel.element);

  constructor() {
    const go = (before) => {
      this.#before = before;
      this.refresh().catch(() => {});
    };
    this.#filters.addEventListener("submit", (event) => {
      event.preventDefault();
      go("");
    });
    this.#older.addEventListener("click", () => go(this.#next));
    this.#newest.addEventListener("click", () => go(""));
  }

  refresh() {
    const user = this.#user.value.trim();
    const query = {
      limit: PAGE,
      before: this.#before,
      [PERSON.test(user) ? "person" : "user"]: user,
      model: this.#model.value.trim(),
      error: this.#errors.checked ? "any" : "",
    };
    return this.#panel.fill(
      () => read("/api/ai/admin/requests", query),
      ({ requests, next }) => {
        const found = Array.isArray(requests) ? requests : [];
        this.#next = next ?? "";
        this.#older.hidden = !this.#next;
        this.#newest.hidden = !this.#before;
        this.#table.show(found);
        return found.length ? "" : "No such requests. The log goes back 30 days unless set otherwise.";
      },
    );
  }
}
