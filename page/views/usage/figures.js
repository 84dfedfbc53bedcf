// A report as tables: what is shown is what is exported.

import { writeCsv } from "../../csv.js";
import { saveText } from "../../download.js";
import { count, money } from "../../format.js";
import { html } from "../../html.js";
import { GROUPS, REPORTS, measuresOf } from "./reports.js";

export const written = (name, number, currency) => (name === "cost" ? money(number, currency) : count(number));

/** `write(row)` is what a row is called; `totals` are one for each currency. */
export function Figures({ filter, rows, totals, write }) {
  const measures = measuresOf(filter, totals);
  const hasShare = filter.report === "costs" && filter.by !== "day";
  const share = (row) => row.sums.cost / (totals.find((each) => each.currency === row.currency).sums.cost || 1);
  return html`<table class="figures" aria-label=${`${REPORTS[filter.report].title} by ${GROUPS[filter.by].title.toLowerCase()}`}>
    <thead><tr><th scope="col">${GROUPS[filter.by].title}</th>
      ${measures.map(([, title]) => html`<th scope="col" class="number">${title}</th>`)}
      ${hasShare && html`<th scope="col" class="number">Share</th>`}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${row.key}><th scope="row">${write(row)}</th>
      <${Numbers} measures=${measures} of=${row} />
      ${hasShare && html`<td class="number share" data-of="Share"><${Share} part=${share(row)} /></td>`}</tr>`)}</tbody>
    ${rows.length > 1 && html`<tfoot>${totals.map((total) => html`<tr><th scope="row">All</th>
      <${Numbers} measures=${measures} of=${total} />${hasShare && html`<td></td>`}</tr>`)}</tfoot>`}
  </table>`;
}

const Numbers = ({ measures, of }) =>
  measures.map(([name, title]) => html`<td class="number" data-of=${title}>${written(name, of.sums[name], of.currency)}</td>`);

const Share = ({ part }) => html`<span class="track" aria-hidden="true"><span style=${{ width: `${100 * part}%` }}></span></span>
  <span class="percent">${part > 0 && part < 0.01 ? "< 1" : Math.round(100 * part)} %</span>`;

/** The chart's numbers: a row for each time, a column for each series. */
export const ByTime = ({ series, times, write, writeTime, label }) => html`<table class="figures narrow" aria-label=${label}>
  <thead><tr><th scope="col">Time (UTC)</th>${series.map((each) => html`<th scope="col" class="number">${each.name}</th>`)}</tr></thead>
  <tbody>${times.map((at) => html`<tr><th scope="row">${writeTime(at)}</th>
    ${series.map((each) => html`<td class="number" data-of=${each.name}>${each.at(at) ? write(each.at(at)) : "–"}</td>`)}</tr>`)}</tbody>
</table>`;

/** The table's rows and columns. Numbers are exact, days are written so that they sort. */
export function saveFigures(filter, rows, totals, write, days) {
  const measures = measuresOf(filter, totals);
  const isCosts = filter.report === "costs";
  const hasIds = filter.by === "project" || filter.by === "key";
  const head = [filter.by, ...(hasIds ? [`${filter.by}_id`] : []), ...measures.map(([name]) => name), ...(isCosts ? ["currency"] : [])];
  const lines = rows.map((row) => [
    write(row),
    ...(hasIds ? [row.of] : []),
    ...measures.map(([name]) => row.sums[name]),
    ...(isCosts ? [row.currency] : []),
  ]);
  saveText(writeCsv([head, ...lines]), `${filter.report}-by-${filter.by}-${days}.csv`, "text/csv");
}
