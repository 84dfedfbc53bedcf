// What failed, the commonest first: code, how many, an example, what to do.

import { count } from "../format.js";
import { html } from "../html.js";

export function Failures({ batch }) {
  const failures = batch.failures ?? [];
  if (!failures.length) return null;
  return html`<section aria-labelledby="failures"><h2 id="failures">What failed</h2>
    <ul class="failures">${failures.map((failure) => html`<li class="card" key=${failure.code}>
      <p><strong>${count(failure.count)}</strong> <code>${failure.code}</code></p>
      <p>${failure.example.message}</p>
      <p class="muted">First at line ${failure.first_line}, <code>${failure.example.custom_id}</code>.
        ${failure.advice && html` ${failure.advice}`}</p>
    </li>`)}</ul>
  </section>`;
}
