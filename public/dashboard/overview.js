// Overview: now, over time by model, and who and what it was for.
import { read } from "./api.js";
import { Chart } from "./chart.js";
import { field, h, meter, offer } from "./elements.js";
import { count, dollars, milliseconds, NONE, percent, roundDollars } from "./format.js";
import { Palette } from "./palette.js";
import { done, Panel } from "./panel.js";
import { Table } from "./table.js";
import * as usage from "./usage.js";

const STATS = "/api/ai/stats";
const NOW = usage.RANGES[0];
const TOP = 10;
const LONG_RANGE_MS = 60_000;

/** One figure with what stands behind it. */
class Tile {
  #value = h("dd", { class: "value" }, NONE);
  #more = h("dd", { class: "more" });

  constructor(name) {
    this.element = h("div", { class: "tile" }, h("dt", {}, name), this.#value, this.#more);
  }

  show(value, ...more) {
    if (this.#value.textContent !== value) this.#value.textContent = value;
    this.#more.replaceChildren(...more.filter(Boolean));
  }
}

async function rowsOf(range, now, groupBy) {
  const { rows } = await read(STATS, usage.queryOf(range, now, groupBy));
  const shown = new Set(usage.periodsOf(range, now));
  return rows.map((row) => ({ ...row, name: String(row[groupBy] ?? "") })).filter((row) => shown.has(row.period));
}

const usageColumns = (title, last) => [
  { name: title, cell: (row) => h("span", { class: "clipped", title: row.name }, row.name || NONE) },
  { name: "Requests", figure: true, cell: (row) => count(row.requests) },
  { name: "Cost", figure: true, cell: (row) => dollars(row.cost) },
  { name: "Cache hits", figure: true, cell: (row) => percent(row.cacheHitRate) },
  last,
];
const TOKENS = { name: "Tokens", figure: true, cell: (row) => count(row.tokens) };
const ERRORS = { name: "Errors", figure: true, cell: (row) => percent(row.errorRate) };

export class Overview {
  #palette = new Palette();
  #read = { shown: "", at: 0 };
  #range = h(
    "select",
    {},
    usage.RANGES.map(({ id, name }) => h("option", { value: id, selected: id === "day" }, name)),
  );
  #model = h("select", {}, h("option", { value: "" }, "All models"));
  #tiles = {
    pace: new Tile("Requests per minute"),
    errors: new Tile("Errors, 24 hours"),
    cost: new Tile("Cost today"),
    saved: new Tile("Saved today"),
    hits: new Tile("Cache hits, 24 hours"),
    latency: new Tile("Latency today, p95"),
  };
  #charts = {
    cost: new Chart({ title: "Cost", kind: "bars", format: dollars, tick: roundDollars }),
    requests: new Chart({ title: "Requests", kind: "bars", format: count }),
    latency: new Chart({
      title: "Latency",
      kind: "lines",
      format: milliseconds,
      note: "Of answers by providers. Percentiles are kept by day and month; hours have an average.",
    }),
    hits: new Chart({ title: "Cache hit rate", kind: "lines", format: percent }),
  };
  #models = new Table("Usage by model", usageColumns("Model", ERRORS));
  #users = new Table("Usage by user", usageColumns("User", TOKENS));
  #now = new Panel(
    "Now",
    {},
    h(
      "dl",
      { class: "tiles" },
      Object.values(this.#tiles).map((tile) => tile.element),
    ),
  );
  #time = new Panel(
    "Over time",
    {},
    h("div", { class: "controls" }, field("Range", this.#range), field("Model", this.#model)),
    h(
      "div",
      { class: "charts" },
      Object.values(this.#charts).map((chart) => chart.element),
    ),
  );
  #modelsOf = h("p", { class: "note" });
  #usersOf = h("p", { class: "note" });
  #byModel = new Panel("By model", {}, this.#models.element, this.#modelsOf);
  #byUser = new Panel("Top users", {}, this.#users.element, this.#usersOf);

  title = "Overview";
  element = h(
    "div",
    {},
    this.#now.element,
    this.#time.element,
    h("div", { class: "pair" }, this.#byModel.element, this.#byUser.element),
  );

  constructor() {
    for (const select of [this.#range, this.#model])
      select.addEventListener("change", () => this.refresh().catch(() => {}));
  }

  /** Of longer ranges only the newest period changes: they are read once a minute. */
  #isFresh(range, model, now) {
    const shown = `${range.id} ${model}`;
    if (range !== NOW && shown === this.#read.shown && now - this.#read.at < LONG_RANGE_MS) return true;
    this.#read = { shown, at: now };
    return false;
  }

  async refresh() {
    const now = Date.now();
    const range = usage.RANGES.find(({ id }) => id === this.#range.value);
    const recent = rowsOf(NOW, now, "model");
    const parts = [
      this.#now.fill(
        () => Promise.all([recent, read(STATS), read("/api/ai/admin/budgets").catch(() => null)]),
        ([hours, day, budgets]) => this.#showNow(hours, day, budgets, now),
      ),
    ];
    if (!this.#isFresh(range, this.#model.value, now)) parts.push(...this.#fillRange(range, now, recent));
    await done(parts);
  }

  #fillRange(range, now, recent) {
    const rows = range === NOW ? recent : rowsOf(range, now, "model");
    const people = rowsOf(range === NOW ? usage.TODAY : range, now, "user");
    this.#modelsOf.textContent = `Last ${range.name}.`;
    this.#usersOf.textContent = `${range === NOW ? "Today" : `Last ${range.name}`}. Users are named by the hash that stands for their id in the store.`;
    return [
      this.#time.fill(
        () => Promise.all([rows, rowsOf(range, now, "none")]),
        ([byModel, all]) => this.#showTime(byModel, all, range, now),
      ),
      this.#byModel.fill(
        () => rows,
        (found) => showGroups(this.#models, found),
      ),
      this.#byUser.fill(
        () => people,
        (found) => showGroups(this.#users, found),
      ),
    ];
  }

  #showNow(rows, day, budgets, now) {
    const lately = usage.whole(rows);
    const { pace, errors, cost, saved, hits, latency } = this.#tiles;
    const perMinute = usage.perMinute(rows, now);
    pace.show(perMinute.toFixed(perMinute < 10 ? 1 : 0), "over the last hour");
    errors.show(percent(lately.errorRate), `${count(lately.errors)} of ${count(lately.requests - lately.refused)}`);
    cost.show(dollars(day.totalCost), ...againstBudget(budgets, day));
    saved.show(...savings(day));
    hits.show(percent(lately.cacheHitRate), `${count(lately.cacheHits)} answers`);
    latency.show(milliseconds(day.latency?.p95Ms), `median ${milliseconds(day.latency?.p50Ms)}`);
  }

  #showTime(rows, all, range, now) {
    offer(
      this.#model,
      usage.grouped(rows, (row) => row.totalRequests).map(([name]) => name),
    );
    const periods = usage.periodsOf(range, now);
    const model = this.#model.value;
    const shown = usage.chosen(rows, model);
    const sums = usage.whole(shown);
    const colour = model ? this.#palette.of(model) : "s1";
    const series = (figure) => usage.seriesOf(shown, periods, figure, this.#palette);
    const timed = model ? shown : all;
    this.#charts.cost.show({ periods, series: series((row) => row.totalCost), headline: dollars(sums.cost) });
    this.#charts.requests.show({ periods, series: series((row) => row.totalRequests), headline: count(sums.requests) });
    this.#charts.latency.show({ periods, ...latencyOf(timed, periods, range) });
    const hits = usage.valuesOf(
      timed,
      periods,
      (row) => (row.totalRequests > row.refused ? row.cacheHitRate : null),
      null,
    );
    this.#charts.hits.show({
      periods,
      series: [{ name: "Hit rate", colour, values: hits }],
      headline: percent(sums.cacheHitRate),
    });
    return "";
  }
}

function latencyOf(rows, periods, { granularity }) {
  const lines =
    granularity === "hour"
      ? [["average", "averageMs"]]
      : [
          ["p50", "p50Ms"],
          ["p95", "p95Ms"],
          ["p99", "p99Ms"],
        ];
  const series = lines.map(([name, key], at) => ({
    name,
    colour: `s${at + 1}`,
    values: usage.valuesOf(rows, periods, (row) => row.latency?.[key] ?? null, null),
  }));
  const last = series.map(({ values }) => values.findLast((value) => value != null)).at(-1);
  return { series, headline: `latest ${lines.at(-1)[0]} ${milliseconds(last)}` };
}

function showGroups(table, rows) {
  const groups = usage.grouped(rows, usage.byCost);
  table.show(groups.slice(0, TOP).map(([name, of]) => ({ name, ...usage.whole(of) })));
  return groups.length ? "" : "No requests in this time.";
}

/** What was saved in all, then by what. */
function savings(day) {
  const { savedByCache = 0, savedByDedup = 0, savedByRouting = 0 } = day;
  return [
    dollars(savedByCache + savedByDedup + savedByRouting),
    `cache ${dollars(savedByCache)}, ${count(day.cacheHits)} hits; duplicates ${dollars(savedByDedup)}, ${count(day.duplicates)}`,
    h("br"),
    `routing ${dollars(savedByRouting)}, against one model for everything`,
  ];
}

/** The deployment's daily budget, where there is one. */
function againstBudget(budgets, day) {
  const daily = (budgets?.budgets ?? []).find(({ scope, period }) => scope === "deployment" && period === "day");
  if (!(daily?.limitUsd > 0)) return ["no budget set for the deployment"];
  const share = day.totalCost / daily.limitUsd;
  return [meter(share, "Daily budget spent"), `${percent(share)} of ${dollars(daily.limitUsd)}`];
}
