// What was used and what it cost: by model, key, project or day, as a chart, a table and a file.

import { callApi } from "../../api.js";
import { html, useMemo } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem, When } from "../../parts/small.js";
import { goTo, hrefOf } from "../../route.js";
import { may } from "../../session.js";
import { Budget } from "../key.js";
import { ByTime, Figures, saveFigures, written } from "./figures.js";
import { Columns, seriesOf } from "./columns.js";
import { nameOf, namesFor } from "./names.js";
import { GROUPS, REPORTS, measuresOf, parametersOf, rowsOf, totalsOf } from "./reports.js";
import { UsageFilter, isoDay, readUsageFilter } from "./usage_filter.js";
import { UsageSnippet } from "./usage_snippet.js";

const LIVE_SECONDS = 60;
const TABS = [["cost", "Cost"], ["activity", "Activity"]];
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const writeDay = (at) => day.format(new Date(at * 1000));

export function View({ route, caller }) {
  const tab = route.path[1] === "activity" ? "activity" : "cost";
  const filter = readUsageFilter(route);
  const asked = JSON.stringify([filter.report, parametersOf(filter), filter.by, filter.model]);
  const found = useLive((signal) => load(filter, asked, caller, signal), () => (filter.end ? 0 : LIVE_SECONDS), [asked]);
  const data = found.data?.asked === asked ? found.data : null;
  return html`
    <div class="head"><h1 tabindex="-1">Usage</h1>
      <p class="muted">${may("admin") ? "all projects" : caller.project?.name}</p>
      <nav class="tabs" aria-label="Usage">${TABS.map(([name, title]) => html`<a href=${hrefOf("usage", name)}
        aria-current=${name === tab ? "page" : null}>${title}</a>`)}</nav></div>
    <${UsageFilter} filter=${filter} models=${caller.models} onChange=${(values) => goTo(["usage", tab], values, true)} />
    <${Problem} error=${found.error} title="The report could not be read." onRetry=${found.reload} />
    ${data && html`<${Report} ...${data} at=${found.at / 1000} />`}
    ${!data && !found.error && html`<p class="muted" role="status">Reading the report …</p>`}
    ${tab === "cost" && html`<${Budgets} caller=${caller} />`}
    <${UsageSnippet} filter=${filter} />
  `;
}

async function load(filter, asked, caller, signal) {
  const buckets = [];
  let page = "";
  do {
    const pairs = [...parametersOf(filter), ...(page ? [["page", page]] : [])];
    const answer = await callApi(`/organization/${REPORTS[filter.report].path}?${new URLSearchParams(pairs)}`, { signal });
    buckets.push(...answer.data);
    page = answer.next_page;
  } while (page);
  const rows = rowsOf(filter, buckets);
  return { filter, asked, rows, times: buckets.map((bucket) => bucket.start_time), names: await namesFor(filter, rows, caller, signal) };
}

function Report({ filter, rows, times, names, at }) {
  const write = (row) => (filter.by === "day" ? writeDay(row.of) : ["project", "key"].includes(filter.by) ? nameOf(names, row.of) : row.of);
  const exported = (row) => (filter.by === "day" ? isoDay(row.of) : write(row));
  const totals = useMemo(() => totalsOf(filter, rows), [rows]);
  const days = `${isoDay(times[0])}-to-${isoDay(times.at(-1))}`;
  if (!rows.length) return html`<${Empty} filter=${filter} />`;
  return html`
    <${Totals} filter=${filter} totals=${totals} />
    ${totals.map(({ currency }) => html`<${OverTime} filter=${filter} times=${times} currency=${currency} write=${write}
      rows=${rows.filter((row) => row.currency === currency)} />`)}
    <section aria-labelledby="figures"><div class="head"><h2 id="figures">By ${GROUPS[filter.by].title.toLowerCase()}</h2>
      <p class="muted small">as of <${When} at=${at} isExact=${true} /></p>
      <div class="actions"><button onClick=${() => saveFigures(filter, rows, totals, exported, days)}>Export (CSV)</button></div></div>
      <${Figures} filter=${filter} rows=${rows} totals=${totals} write=${write} /></section>`;
}

/** The first measure of a report is the one that is drawn. */
function OverTime({ filter, rows, times, currency, write }) {
  const [[measure, title]] = REPORTS[filter.report].measures;
  const value = (row, at) => row.parts.get(at)?.[measure] ?? 0;
  const all = [{ name: title, at: (at) => rows.reduce((sum, row) => sum + value(row, at), 0) }];
  const series = filter.by === "day" ? all : seriesOf(rows, value, write);
  const shown = { series, times, writeTime: writeDay, write: (number) => written(measure, number, currency) };
  const label = `${title} a day${currency && rows.length ? ` in ${currency}` : ""}`;
  if (times.length < 2) return null;
  return html`<${Columns} ...${shown} title=${label} />
    <details class="by-time"><summary>The chart as a table</summary><${ByTime} ...${shown} label=${`${label}, as a table`} /></details>`;
}

const Totals = ({ filter, totals }) => html`<dl class="totals">
  ${totals.flatMap(({ sums, currency }) => measuresOf(filter, totals).map(([name, title]) => html`<div>
    <dt>${name === "cost" ? `Cost in ${currency}` : title}</dt><dd>${written(name, sums[name], currency)}</dd></div>`))}
</dl>`;

function Empty({ filter }) {
  const isCosts = filter.report === "costs";
  return html`<div class="empty"><h2>${isCosts ? "No costs in these days" : "Nothing ran in these days"}</h2>
    <p>${isCosts
      ? "Costs are known of models that have a price. What ran without one is under Activity."
      : "Requests count some seconds to minutes after their answers. Other kinds of requests have reports of their own, see Kind."}</p></div>`;
}

/** Those that hold for the caller: of its project, of single models there, of the key. */
function Budgets({ caller }) {
  if (!caller.project) return null;
  return html`<section aria-labelledby="budgets"><h2 id="budgets">Budgets</h2>
    <div class="budgets">${caller.spend_limits.map((limit) => html`<div class="card"><${Budget} limit=${limit} /></div>`)}</div>
    ${!caller.spend_limits.length && html`<p class="muted">No budget limits what this project or this key spends.</p>`}</section>`;
}
