// The gradual rollout of /api/chat: how far it is, how both sides do, and setting it.
import { change, read } from "./api.js";
import { field, h } from "./elements.js";
import { Experiments } from "./experiments.js";
import { count, dollars, milliseconds, percent, plain, when } from "./format.js";
import { done, Panel } from "./panel.js";
import { Table } from "./table.js";

const PATH = "/api/ai/admin/rollout";
const SIDES = { new: "This gateway", old: "What was there before" };

export class Rollout {
  #state = h("p", { class: "lead" });
  #back = h("p", { class: "state bad", hidden: true });
  #percent = h("input", { type: "number", min: 0, max: 100, step: 0.01, required: true, inputmode: "decimal" });
  #said = h("p", { class: "state", role: "status" });
  #form = h(
    "form",
    { class: "controls" },
    field("Percent of users on this gateway", this.#percent),
    h("button", {}, "Set"),
  );
  #lately = new Table("Both sides in the last hour", [
    { name: "Side", cell: (row) => row.side },
    { name: "Requests", figure: true, cell: (row) => count(row.requests) },
    { name: "Errors", figure: true, cell: (row) => count(row.errors) },
    { name: "Error rate", figure: true, cell: (row) => percent(row.requests ? row.errorRate : null) },
  ]);
  #day = new Table("Both sides today", [
    { name: "Side", cell: (row) => row.side },
    { name: "Requests", figure: true, cell: (row) => count(row.totalRequests) },
    { name: "Error rate", figure: true, cell: (row) => percent(row.totalRequests ? row.errorRate : null) },
    { name: "Cost", figure: true, cell: (row) => dollars(row.totalCost) },
    { name: "Latency, p50", figure: true, cell: (row) => milliseconds(row.latency?.p50Ms) },
    { name: "p95", figure: true, cell: (row) => milliseconds(row.latency?.p95Ms) },
  ]);
  #panel = new Panel(
    "Gradual rollout",
    {},
    this.#state,
    this.#back,
    this.#form,
    this.#said,
    h("h3", {}, "In the last hour"),
    this.#lately.element,
  );
  #dayPanel = new Panel("Both sides today", {}, this.#day.element);

  #experiments = new Experiments();

  title = "Rollout";
  element = h("div", {}, this.#panel.element, this.#dayPanel.element, this.#experiments.element);

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#set(Number(this.#percent.value));
    });
  }

  async #set(wanted) {
    if (!window.confirm(`Let ${wanted} % of users be answered by this gateway, from now on?`)) return;
    try {
      this.#show(await change(PATH, { percent: wanted }));
      this.#said.textContent = "Set. Every instance follows within ten seconds.";
      this.#said.className = "state";
    } catch (error) {
      this.#said.textContent = error.message;
      this.#said.className = "state bad";
    }
  }

  #show(rollout) {
    const auto = rollout.autoRollback ?? {};
    const rule = auto.enabled
      ? `It is turned back by itself when its error rate is ${plain(auto.marginPercent)} points above the old side's, after ${plain(auto.minRequests)} requests on each.`
      : "It is not turned back by itself.";
    this.#state.textContent = `${plain(rollout.percent)} % of users are answered by this gateway${rollout.changedAt ? `, since ${when(rollout.changedAt)} UTC` : ""}. ${rule}`;
    const back = rollout.lastRollback;
    this.#back.hidden = !back;
    this.#back.textContent = back
      ? `Turned back from ${plain(back.fromPercent)} % at ${when(back.at)} UTC: ${plain(back.reason)}`
      : "";
    if (document.activeElement !== this.#percent) this.#percent.value = rollout.percent ?? "";
    const sides = Object.keys(SIDES).filter((side) => rollout.lately?.[side]);
    this.#lately.show(sides.map((side) => ({ side: SIDES[side], ...rollout.lately[side] })));
    return "";
  }

  async refresh() {
    const parts = [
      this.#experiments.refresh(),
      this.#panel.fill(
        () => read(PATH),
        (rollout) => this.#show(rollout),
      ),
      this.#dayPanel.fill(
        () => read("/api/ai/stats", { compare: "rollout" }),
        (stats) => {
          const sides = Object.keys(SIDES).filter((side) => stats[side]?.totalRequests);
          this.#day.show(sides.map((side) => ({ side: SIDES[side], ...stats[side] })));
          return sides.length ? "" : "No requests have come through /api/chat today.";
        },
      ),
    ];
    await done(parts);
  }
}
