// What failed, the commonest first: code, how many, an example, what to do; and these alone once more.

import { isActive } from "../batch_facts.js";
import { count, plural } from "../format.js";
import { html } from "../html.js";
import { may } from "../session.js";
import { retryBatch } from "./batch_retry.js";

export function Failures({ batch }) {
  const failures = batch.failures ?? [];
  if (!failures.length) return null;
  const mayRetry = !isActive(batch) && may("api.batches.write");
  return html`<section aria-labelledby="failures"><h2 id="failures">What failed</h2>
    <ul class="failures">${failures.map((failure) => html`<li class="card" key=${failure.code}>
      <div><p><strong>${count(failure.count)}</strong> <code>${failure.code}</code></p>
        <p>${failure.example.message}</p>
        <p class="muted">First at line ${count(failure.first_line)}, <code>${failure.example.custom_id}</code>.
          ${failure.advice && html` ${failure.advice}`}</p></div>
      ${mayRetry && html`<button onClick=${() => retryBatch(batch, [failure.code])}
        title=${`A new batch of ${plural(failure.count, "request")}`}>Retry ${failure.count === 1 ? "this one" : `these ${count(failure.count)}`}</button>`}
    </li>`)}</ul>
  </section>`;
}
