// Figures in words. What is no number is shown as a dash. Times are UTC, as the days of the books are.

export const NONE = "–";
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const or = (write) => (value) => (isNumber(value) ? write(value) : NONE);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = or((n) => (Math.abs(n) < 100_000 ? whole.format(n) : compact.format(n)));

const money = (least, most) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most });
const [cents, parts, micro, short] = [money(2, 2), money(4, 4), money(6, 6), money(0, 6)];

/** Cents from a dollar on, four digits below, and micro-dollars where four would show nothing. */
export const dollars = or((usd) => {
  const size = Math.abs(usd);
  if (size >= 10_000) return `$${compact.format(usd)}`;
  if (size === 0 || size >= 1) return `$${cents.format(usd)}`;
  return `$${(size >= 0.0001 ? parts : micro).format(usd)}`;
});

/** Round money, as an axis has it. */
export const roundDollars = or((usd) => `$${Math.abs(usd) >= 10_000 ? compact.format(usd) : short.format(usd)}`);

export const percent = or((share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`);

export const milliseconds = or((ms) => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s` : `${(ms / 60_000).toFixed(1)} min`;
});

/** A time given in seconds since the epoch, or as text in ISO's form. */
export function when(time) {
  const date = isNumber(time) ? new Date(time * 1_000) : new Date(typeof time === "string" ? time : NaN);
  if (Number.isNaN(date.getTime())) return NONE;
  const text = date.toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** The same in short: of today the time alone. */
export function lately(time, now = Date.now()) {
  const text = when(time);
  return text.slice(0, 10) === new Date(now).toISOString().slice(0, 10) ? text.slice(11) : text.slice(0, 16);
}

/** Whatever a field holds, as text. */
export const plain = (value) => (value == null || value === "" ? NONE : String(value));

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A period of the books (`2026-11-24T13:00Z`, `2026-11-24`, `2026-11`) as an axis names it. */
export function periodName(period) {
  if (period.includes("T")) return period.slice(11, 16);
  const month = MONTHS[Number(period.slice(5, 7)) - 1] ?? "";
  return period.length > 7 ? `${Number(period.slice(8, 10))} ${month}` : `${month} ${period.slice(0, 4)}`;
}
