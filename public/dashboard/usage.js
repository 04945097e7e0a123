// From the rows of /api/ai/stats to what the overview shows (pure).
import { REST } from "./palette.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const RANGES = [
  { id: "day", name: "24 hours", granularity: "hour", periods: 24 },
  { id: "week", name: "7 days", granularity: "day", periods: 7 },
  { id: "month", name: "30 days", granularity: "day", periods: 30 },
  { id: "year", name: "12 months", granularity: "month", periods: 12 },
];

/** What is kept of users begins with a day. */
export const TODAY = { granularity: "day", periods: 1 };

const LENGTHS = { hour: 13, day: 10, month: 7 };
const iso = (ms) => new Date(ms).toISOString();
const named = (ms, granularity) => iso(ms).slice(0, LENGTHS[granularity]) + (granularity === "hour" ? ":00Z" : "");

/** The periods of a range, the present one last. */
export function periodsOf({ granularity, periods }, now) {
  const places = [...Array(periods).keys()].reverse();
  if (granularity === "hour") return places.map((back) => named(now - back * HOUR_MS, granularity));
  if (granularity === "day") return places.map((back) => named(now - back * DAY_MS, granularity));
  const today = new Date(now);
  return places.map((back) => named(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - back, 1), granularity));
}

/** The query for a range: whole days, both ends included. */
export function queryOf(range, now, groupBy) {
  const [first] = periodsOf(range, now);
  const from = range.granularity === "month" ? `${first}-01` : first.slice(0, 10);
  return { from, to: iso(now).slice(0, 10), granularity: range.granularity, groupBy };
}

/** Rows by period, for one name or for all. */
export const byPeriod = (rows) => new Map(rows.map((row) => [row.period, row]));

/** One figure of every period; `missing` where the period has no row. */
export const valuesOf = (rows, periods, figure, missing = 0) => {
  const known = byPeriod(rows);
  return periods.map((period) => (known.has(period) ? figure(known.get(period)) : missing));
};

const sum = (rows, figure) => rows.reduce((total, row) => total + (figure(row) ?? 0), 0);

/** Rows grouped by what they are for, those with most of `figure` first. */
export function grouped(rows, figure) {
  const groups = new Map();
  for (const row of rows) groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
  return [...groups].sort(([, a], [, b]) => sum(b, figure) - sum(a, figure));
}

/** What a name costs most by; by its requests where nothing costs anything. */
export const byCost = (row) => row.totalCostMicroUsd + row.totalRequests / 1_000_000;

/** A series for each name that has a colour of its own, and one for all others together; in one order for all figures. */
export function seriesOf(rows, periods, figure, palette) {
  const series = [];
  const rest = [];
  for (const [name, of] of grouped(rows, byCost)) {
    if (palette.has(name)) series.push({ name, colour: palette.of(name), values: valuesOf(of, periods, figure) });
    else rest.push(...of);
  }
  if (rest.length) {
    const values = periods.map((period) =>
      sum(
        rest.filter((row) => row.period === period),
        figure,
      ),
    );
    series.push({ name: REST, colour: palette.of(REST), values });
  }
  return series.filter(({ values }) => values.some((value) => value > 0));
}

/** Rows added up: counts and money exactly, rates from the counts, the average over the answers. */
export function whole(rows) {
  const requests = sum(rows, (row) => row.totalRequests);
  const refused = sum(rows, (row) => row.refused);
  const served = requests - refused;
  const share = (part) => (served > 0 ? part / served : null);
  const cacheHits = sum(rows, (row) => row.cacheHits);
  const duplicates = sum(rows, (row) => row.duplicates);
  const errors = sum(rows, (row) => row.errors);
  return {
    requests,
    refused,
    cacheHits,
    duplicates,
    errors,
    cost: sum(rows, (row) => row.totalCostMicroUsd) / 1_000_000,
    saved: sum(rows, (row) => row.savedCostMicroUsd) / 1_000_000,
    wasted: sum(rows, (row) => row.wastedCostMicroUsd) / 1_000_000,
    tokens: sum(rows, (row) => row.totalTokens),
    cacheHitRate: share(cacheHits),
    errorRate: share(errors),
  };
}

/** Requests per minute over the last sixty minutes, of which the hour before this one holds a part. */
export function perMinute(rows, now) {
  const known = byPeriod(rows);
  const of = (ms) => known.get(named(ms, "hour"))?.totalRequests ?? 0;
  const gone = (now % HOUR_MS) / HOUR_MS;
  return (of(now) + of(now - HOUR_MS) * (1 - gone)) / 60;
}

/** Rows whose name a filter chose, or all. */
export const chosen = (rows, name) => (name ? rows.filter((row) => row.name === name) : rows);
