// What is asked for: range, group, model, kind. It stands in the address, so that a report can be sent to somebody.

import { html } from "../../html.js";
import { Choice } from "../../parts/small.js";
import { GROUPS, REPORTS } from "./reports.js";

const DAY = 86400;
const RANGES = [
  ["today", "today"],
  ["7", "the last 7 days"],
  ["30", "the last 30 days"],
  ["90", "the last 90 days"],
  ["month", "this month"],
  ["before", "the month before"],
  ["own", "from … to"],
];
const KINDS = Object.entries(REPORTS).filter(([name]) => name !== "costs");
const MOST_DAYS = 366;

/** `start` and `end` are Unix seconds of midnights in UTC; without `end` it reaches to now. */
export function readUsageFilter(route, now = Date.now() / 1000) {
  const isActivity = route.path[1] === "activity";
  const take = (name, known, otherwise) => (known.includes(route.search.get(name)) ? route.search.get(name) : otherwise);
  const report = isActivity ? take("kind", KINDS.map(([name]) => name), "completions") : "costs";
  const range = take("range", RANGES.map(([name]) => name), "30");
  const values = {
    range,
    by: take("by", groupsOf(report).map(([name]) => name), "model"),
    model: route.search.get("model") ?? "",
    kind: isActivity && report !== "completions" ? report : "",
    from: route.search.get("from") ?? "",
    to: route.search.get("to") ?? "",
  };
  return { report, values, by: values.by, model: values.model, ...spanOf(values, now) };
}

const groupsOf = (report) => Object.entries(GROUPS).filter(([name]) => report === "costs" || name !== "item");

function spanOf({ range, from, to }, now) {
  const midnight = now - (now % DAY);
  const days = Number(range);
  if (days) return { start: midnight - (days - 1) * DAY };
  if (range === "today") return { start: midnight };
  if (range === "month") return { start: monthOf(now, 0) };
  if (range === "before") return { start: monthOf(now, -1), end: monthOf(now, 0) };
  const last = dayOf(to) ?? midnight;
  const first = Math.min(dayOf(from) ?? last - 6 * DAY, last);
  return { start: Math.max(first, last - (MOST_DAYS - 1) * DAY, 0), end: last + DAY };
}

function monthOf(now, offset) {
  const date = new Date(now * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset) / 1000;
}

const dayOf = (text) => (/^\d{4}-\d\d-\d\d$/.test(text) && Date.parse(text) / 1000) || null;
export const isoDay = (at) => new Date(at * 1000).toISOString().slice(0, 10);

export function UsageFilter({ filter, models, onChange }) {
  const { report, values } = filter;
  const set = (name) => (event) => onChange({ ...values, [name]: event.target.value });
  const known = values.model && !models.includes(values.model) ? [...models, values.model] : models;
  const setRange = (event) => {
    const range = event.target.value;
    const days = { from: isoDay(filter.start), to: isoDay((filter.end ?? Date.now() / 1000 + DAY) - DAY) };
    onChange({ ...values, ...(range === "own" ? days : { from: "", to: "" }), range });
  };
  return html`<div class="filters">
    ${report !== "costs" &&
    html`<${Choice} label="Kind" value=${report} onChange=${set("kind")} options=${KINDS.map(([name, { title }]) => [name, title])} />`}
    <${Choice} label="Time (days in UTC)" value=${values.range} onChange=${setRange} options=${RANGES} />
    ${values.range === "own" &&
    html`<label>First day<input type="date" value=${isoDay(filter.start)} onChange=${set("from")} /></label>
      <label>Last day<input type="date" value=${isoDay(filter.end - DAY)} onChange=${set("to")} /></label>`}
    <${Choice} label="Grouped by" value=${values.by} onChange=${set("by")}
      options=${groupsOf(report).map(([name, { title }]) => [name, title.toLowerCase()])} />
    <${Choice} label="Model" value=${values.model} onChange=${set("model")}
      options=${[["", "all"], ...known.map((model) => [model, model])]} />
  </div>`;
}
