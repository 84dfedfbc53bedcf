// The moments of a batch's life, in order, and those ahead.

import { moments } from "../batch_facts.js";
import { duration } from "../format.js";
import { html } from "../html.js";
import { When } from "../parts/small.js";

export function Timeline({ batch }) {
  const found = moments(batch);
  return html`<ol class="timeline">
    ${found.map((moment, index) => html`<li class=${moment.at ? "" : "ahead"}>
      <span>${moment.name}</span> <${When} at=${moment.at ?? moment.due} isExact=${true} />
      ${index > 0 && moment.at && html`<small>after ${duration(moment.at - found[index - 1].at)}</small>`}
    </li>`)}
  </ol>`;
}
