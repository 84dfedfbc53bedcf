// The counts of a batch in figures: what succeeded, failed, is left.

import { finished, isActive, remaining } from "../batch_facts.js";
import { compact, count } from "../format.js";
import { html } from "../html.js";

export function Counts({ batch }) {
  const { total, failed } = batch.request_counts;
  if (!total) return html`<p class="counts">${isActive(batch) ? "not counted yet" : "nothing ran"}</p>`;
  const percent = Math.floor((100 * finished(batch)) / total);
  const share = percent === 0 && finished(batch) > 0 ? "under 1 %" : `${percent} %`;
  const rate = isActive(batch) ? batch.progress?.requests_per_second : null;
  return html`<p class="counts">
    <span>${count(finished(batch))}/${count(total)}</span>
    ${failed > 0 && html`<span class="failed">${count(failed)} failed</span>`}
    ${isActive(batch) && html`<span>${share}</span>`}
    ${rate > 0 && html`<span>${rate < 10 ? rate.toFixed(1) : compact(Math.round(rate))}/s</span>`}
    ${!isActive(batch) && remaining(batch) > 0 && html`<span>${count(remaining(batch))} never ran</span>`}
  </p>`;
}
