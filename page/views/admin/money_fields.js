// How much may be spent in which time: the fields of every limit, and what they ask for.

import { money } from "../../format.js";
import { html, textOf } from "../../html.js";

export const INTERVALS = [["day", "a day"], ["week", "a week"], ["month", "a month"], ["total", "in all"]];

/** `$12.50 a week` */
export const limitInWords = (limit) =>
  `${money(limit.threshold_amount / 100, limit.currency)} ${INTERVALS.find(([name]) => name === limit.interval)?.[1] ?? limit.interval}`;

/** The limit in a form's data; null where no amount is given. */
export function readLimit(given) {
  if (given.get("amount") === "") return null;
  return {
    currency: textOf(given, "currency").toUpperCase(),
    interval: given.get("interval"),
    threshold_amount: Math.round(Number(given.get("amount")) * 100),
  };
}

/** @param {{ id: string, label: string, limit?: any, isNeeded?: boolean }} properties */
export const MoneyFields = ({ id, label, limit = null, isNeeded = false }) => html`
  <label for=${id}>${label}</label>
  <input id=${id} name="amount" type="number" min="0" step="0.01" required=${isNeeded} defaultValue=${limit ? limit.threshold_amount / 100 : ""} />
  <input name="currency" aria-label="Currency" required maxlength="3" size="3" defaultValue=${limit?.currency ?? "USD"} />
  <select name="interval" aria-label="Per">${INTERVALS.map(([value, title]) => html`<option value=${value}
    selected=${value === (limit?.interval ?? "month")}>${title}</option>`)}</select>`;
