// Models: what health says of each, why, and where its circuit stands.
import { read } from "./api.js";
import { badge, h } from "./elements.js";
import { count, milliseconds, percent, plain } from "./format.js";
import { Panel } from "./panel.js";
import { Table } from "./table.js";

const ORDER = ["down", "degraded", "healthy"];
const KINDS = { healthy: "good", degraded: "warn", down: "bad", closed: "", open: "bad", half_open: "warn" };

export const stateBadge = (state) => badge(plain(state), KINDS[state] ?? "");

/** Models by name, the worst first. */
export function worstFirst(models) {
  const rank = ({ status }) => (ORDER.indexOf(status) + 3) % 3;
  return Object.entries(models ?? {})
    .map(([name, model]) => ({ name, ...model }))
    .sort((a, b) => rank(a) - rank(b) || (b.requests ?? 0) - (a.requests ?? 0) || a.name.localeCompare(b.name));
}

export class Models {
  #summary = h("p", { class: "lead" });
  #table = new Table("Health of every model", [
    { name: "Model", cell: (row) => row.name },
    { name: "State", cell: (row) => stateBadge(row.status) },
    { name: "Circuit", cell: (row) => plain(row.circuit).replace("_", "-") },
    { name: "Why", cell: (row) => plain(row.reason) },
    { name: "Requests, 5 min", figure: true, cell: (row) => count(row.requests) },
    { name: "Failed", figure: true, cell: (row) => percent(row.requests ? row.errorRate : null) },
    { name: "Average", figure: true, cell: (row) => milliseconds(row.averageLatencyMs) },
  ]);
  #panel = new Panel("Model health", { plain: true }, this.#summary, this.#table.element);

  title = "Models";
  element = this.#panel.element;

  refresh() {
    return this.#panel.fill(
      () => read("/api/ai/health", {}, { anyway: true }),
      (health) => {
        const models = worstFirst(health.models);
        const well = models.filter(({ status }) => status === "healthy").length;
        const store =
          health.kv?.available === false
            ? `The store does not answer: ${plain(health.kv.error)}.`
            : "The store answers.";
        const version = health.version ? ` Version ${health.version}.` : "";
        this.#summary.textContent = `${well} of ${models.length} models are healthy. ${store}${version}`;
        this.#table.show(models);
        return models.length ? "" : "No provider has a key, so no model can answer.";
      },
    );
  }
}
