// How numbers and times are written, in the person's own language and place.

const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const sameYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const otherYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
/** @type {[number, number, Intl.RelativeTimeFormatUnit][]} */
const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [7 * 86400, 86400, "day"],
];

export const count = (number) => whole.format(number);
export const compact = (number) => (number < 10000 ? whole.format(number) : short.format(number));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** As many decimals as the currency has, more for what is less than a tenth: two digits of it at least. `most`: for prices. */
export function money(amount, currency, most = 2) {
  const size = Math.abs(amount ?? 0);
  const digits = { maximumFractionDigits: size && size < 0.1 ? Math.min(12, 1 - Math.floor(Math.log10(size))) : most };
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency, currencyDisplay: "narrowSymbol", ...digits }).format(amount);
  } catch {
    return `${new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, ...digits }).format(amount)} ${currency}`;
  }
}

export function bytes(number) {
  if (number < 1000) return `${number} B`;
  const step = Math.min(3, Math.floor(Math.log10(number) / 3));
  const amount = number / 1000 ** step;
  return `${amount.toFixed(amount < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB"][step]}`;
}

/** `seconds` as `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds) {
  const left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return pair(left, 60, "min", 1, "s");
  if (left < 86400) return pair(left, 3600, "h", 60, "min");
  return pair(left, 86400, "d", 3600, "h");
}

function pair(left, large, largeUnit, small, smallUnit) {
  const rest = Math.floor((left % large) / small);
  return `${Math.floor(left / large)} ${largeUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
}

/** Unix seconds as the local time of day. */
export function localTime(at) {
  const date = new Date(at * 1000);
  const format = date.getFullYear() === new Date().getFullYear() ? sameYear : otherYear;
  return format.format(date);
}

/** The same with seconds. */
export const exactTime = (at) => exact.format(new Date(at * 1000));

export const utcTime = (at) => `${new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** `5 min ago`, `in 2 hr`; past a week the day. */
export function ago(at, now = Date.now() / 1000) {
  const seconds = at - now;
  for (const [below, unit, name] of STEPS) {
    if (Math.abs(seconds) < below) return relative.format(Math.round(seconds / unit), name);
  }
  return localTime(at);
}

/** The middle of a long id left out. */
export const shortened = (id) => (id.length > 22 ? `${id.slice(0, 10)}…${id.slice(-5)}` : id);
