// API keys: whose they are, what they may, and when they were last used. Secrets are never shown here.
import { read } from "./api.js";
import { badge, h } from "./elements.js";
import { dollars, plain, when } from "./format.js";
import { Panel } from "./panel.js";
import { Table } from "./table.js";

const KINDS = { active: "good", expired: "warn", revoked: "bad" };

export class ApiKeys {
  #table = new Table("API keys", [
    { name: "Key", cell: (row) => h("code", {}, plain(row.prefix)) },
    { name: "Name", cell: (row) => [plain(row.name), ...(row.tags ?? []).map((tag) => [" ", badge(String(tag))])] },
    { name: "User", cell: (row) => plain(row.userId) },
    { name: "State", cell: (row) => badge(plain(row.status), KINDS[row.status] ?? "") },
    { name: "Tier", cell: (row) => plain(row.tier) },
    { name: "Per day", figure: true, cell: (row) => dollars(row.dailyBudgetUsd) },
    { name: "Per month", figure: true, cell: (row) => dollars(row.monthlyBudgetUsd) },
    { name: "Last used (UTC)", cell: (row) => when(row.lastUsedAt) },
  ]);
  #more = h("button", { type: "button", hidden: true }, "More");
  #first = h("button", { type: "button", hidden: true }, "Back to the newest");
  #cursor = "";
  #next = "";
  #panel = new Panel(
    "API keys",
    { plain: true },
    this.#table.element,
    h("p", { class: "controls" }, this.#first, this.#more),
  );

  title = "Keys";
  element = this.#panel.element;

  constructor() {
    const go = (cursor) => {
      this.#cursor = cursor;
      this.refresh().catch(() => {});
    };
    this.#more.addEventListener("click", () => go(this.#next));
    this.#first.addEventListener("click", () => go(""));
  }

  refresh() {
    return this.#panel.fill(
      () => read("/api/ai/admin/keys", { cursor: this.#cursor }),
      ({ keys, cursor }) => {
        this.#next = cursor ?? "";
        this.#more.hidden = !this.#next;
        this.#first.hidden = !this.#cursor;
        this.#table.show(keys ?? []);
        return keys?.length ? "" : "No keys yet. Create one with POST /api/ai/admin/keys or python -m dev.keys.";
      },
    );
  }
}
