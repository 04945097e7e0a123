// Experiments with the cache: each arm beside the others, and what may be said of them.
import { read } from "./api.js";
import { h } from "./elements.js";
import { count, dollars, milliseconds, percent, plain } from "./format.js";
import { Panel } from "./panel.js";
import { Table } from "./table.js";

const PATH = "/api/ai/admin/experiments";

export class Experiments {
  #said = h("ul", {});
  #arms = new Table("Arms of the experiments with the cache", [
    { name: "Experiment", cell: (row) => plain(row.experiment) },
    { name: "Arm", cell: (row) => plain(row.name) },
    { name: "Requests", figure: true, cell: (row) => count(row.requests) },
    { name: "Cache hits", figure: true, cell: (row) => between(row.hitRate, row.hitRateInterval) },
    { name: "Near", figure: true, cell: (row) => count(row.semanticHits) },
    { name: "Near found wrong", figure: true, cell: (row) => row.near?.note || between(row.near?.wrongRate, row.near?.wrongRateInterval) },
    { name: "Saved", figure: true, cell: (row) => dollars(row.savedUsd) },
    { name: "Latency", figure: true, cell: (row) => milliseconds(row.averageMs) },
  ]);
  #panel = new Panel("Experiments with the cache", {}, this.#said, this.#arms.element);

  element = this.#panel.element;

  /** Loads and shows what is on. */
  refresh() {
    return this.#panel.fill(
      () => read(PATH),
      ({ enabled, experiments = [] }) => {
        this.#said.replaceChildren(
          ...experiments.map((each) => h("li", {}, `${plain(each.name)}: ${plain(each.conclusion)}`)),
        );
        this.#arms.show(
          experiments.flatMap((each) => (each.arms ?? []).map((arm) => ({ experiment: each.name, ...arm }))),
        );
        if (experiments.length) return "";
        return enabled ? "None is on." : "Switched off: set CACHE_EXPERIMENTS.";
      },
    );
  }
}

/** A share with the bounds between which it lies. */
function between(share, bounds) {
  const [low, high] = Array.isArray(bounds) ? bounds : [];
  return low === undefined ? percent(share) : `${percent(share)} (${percent(low)} to ${percent(high)})`;
}
