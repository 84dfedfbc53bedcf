// What the service says of the whole file before anything is spent: errors by line, or what a batch would come to.

import { ago, count, money } from "../format.js";
import { html } from "../html.js";
import { When } from "../parts/small.js";

const SHOWN = 50;

export function Verdict({ verdict, isAsking }) {
  if (isAsking) return html`<p class="muted" role="status">The service is reading the whole file …</p>`;
  if (!verdict) return null;
  return verdict.valid ? html`<${Good} verdict=${verdict} />` : html`<${Bad} errors=${verdict.errors?.data ?? []} />`;
}

function Bad({ errors }) {
  return html`<div class="problem" role="alert">
    <p><strong>${errors.length === 1 ? "One thing is" : `${count(errors.length)} things are`} wrong with this file.</strong> Mend it, and choose it again.</p>
    <ul class="lines">${errors.slice(0, SHOWN).map((error) => html`<li>
      ${error.line != null && html`<strong>Line ${count(error.line)}</strong> `}${error.message}
      ${error.param && html` <code>${error.param}</code>`}</li>`)}</ul>
    ${errors.length > SHOWN && html`<p>And ${count(errors.length - SHOWN)} more.</p>`}
  </div>`;
}

function Good({ verdict }) {
  const cost = verdict.estimated_cost;
  const end = verdict.estimated_completion_at;
  return html`<div role="status"><dl class="facts">
    <div><dt>Requests</dt><dd>${count(verdict.requests)}</dd></div>
    <div><dt>Model</dt><dd>${verdict.model}</dd></div>
    <div><dt>Tokens in</dt><dd>${count(verdict.input_tokens)} <small>${verdict.token_method === "estimate" ? "estimated" : "counted"}</small></dd></div>
    <div><dt>Cost</dt><dd>${costWords(cost)}</dd></div>
    <div><dt>Would end</dt><dd>${end ? html`${ago(end)}, <${When} at=${end} />` : "not known yet"}</dd></div>
  </dl>
  ${verdict.fits_completion_window === false && html`<p class="held">It would not be done within its completion window.</p>`}
  ${verdict.fits_enqueued_token_limit === false && html`<p class="held">The model's limit of enqueued tokens is taken by other batches just now:${" "}
    ${count(verdict.enqueued_tokens)} of ${count(verdict.enqueued_token_limit)}.</p>`}
  </div>`;
}

function costWords(cost) {
  if (!cost) return "no price is set";
  if (cost.total != null) return `about ${money(cost.total, cost.currency)}`;
  return html`${money(cost.input, cost.currency)} <small>and the answers, whose length nobody knows yet</small>`;
}
