// Budgets: what is spent of each. Alerts: what was noticed, and who was told.
import { read } from "./api.js";
import { badge, h, meter } from "./elements.js";
import { count, dollars, NONE, percent, plain, when } from "./format.js";
import { done, Panel } from "./panel.js";
import { Table } from "./table.js";

const DELIVERIES = { delivered: "good", failed: "bad", pending: "warn" };
const SEVERITIES = { info: "", warning: "warn", critical: "bad" };

export class Budgets {
  #budgets = new Table("Budgets", [
    { name: "Of", cell: (row) => [plain(row.scope), row.name && h("span", { class: "quiet" }, ` ${row.name}`)] },
    { name: "Period", cell: (row) => plain(row.period) },
    { name: "Used", cell: (row) => used(row) },
    { name: "Spent", figure: true, cell: (row) => amount(row, "spent") },
    { name: "Reserved", figure: true, cell: (row) => amount(row, "held") },
    { name: "Limit", figure: true, cell: (row) => amount(row, "limit") },
  ]);
  #alerts = new Table("Alerts", [
    { name: "Time (UTC)", cell: (row) => when(row.at) },
    { name: "Alert", cell: (row) => badge(plain(row.kind).replaceAll("_", " "), SEVERITIES[row.severity] ?? "") },
    { name: "About", cell: (row) => plain(row.subject) },
    { name: "What", cell: (row) => h("span", { class: "wrapped" }, plain(row.text)) },
    { name: "Told", cell: (row) => told(row) },
  ]);
  #budgetPanel = new Panel("Budgets", {}, this.#budgets.element);
  #alertPanel = new Panel("Alerts", {}, this.#alerts.element);

  title = "Budgets and alerts";
  element = h("div", {}, this.#budgetPanel.element, this.#alertPanel.element);

  async refresh() {
    const parts = [
      this.#budgetPanel.fill(
        () => read("/api/ai/admin/budgets"),
        ({ budgets }) => {
          this.#budgets.show(budgets ?? []);
          return budgets?.length ? "" : "No budgets are set.";
        },
      ),
      this.#alertPanel.fill(
        () => read("/api/ai/admin/alerts"),
        ({ alerts }) => {
          this.#alerts.show(alerts ?? []);
          return alerts?.length ? "" : "Nothing to report.";
        },
      ),
    ];
    await done(parts);
  }
}

function amount(row, what) {
  return row.unit === "tokens" ? `${count(row[`${what}Tokens`])} tokens` : dollars(row[`${what}Usd`]);
}

function used(row) {
  const [spent, limit] = row.unit === "tokens" ? [row.spentTokens, row.limitTokens] : [row.spentUsd, row.limitUsd];
  if (!(limit > 0)) return "no limit";
  const share = (spent ?? 0) / limit;
  return [
    meter(share, `${plain(row.scope)} ${row.name ?? ""} ${plain(row.period)}`),
    h("span", { class: "quiet" }, ` ${percent(share)}`),
  ];
}

function told(row) {
  const deliveries = Array.isArray(row.deliveries) ? row.deliveries : [];
  return deliveries.length
    ? h(
        "span",
        { class: "wrapped" },
        deliveries.map(({ channel, state, error }) => [
          badge(`${plain(channel)}: ${plain(state)}`, DELIVERIES[state] ?? ""),
          error && ` ${error} `,
        ]),
      )
    : NONE;
}
