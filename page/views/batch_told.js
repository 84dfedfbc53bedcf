// Who was told of the end of a batch, and how that went.

import { callApi } from "../api.js";
import { isActive } from "../batch_facts.js";
import { plural } from "../format.js";
import { html } from "../html.js";
import { useLive } from "../live.js";

const LIVE_SECONDS = 5;
const TONES = { pending: "busy", delivered: "good", given_up: "bad" };
const WORDS = { pending: "not yet told", delivered: "told", given_up: "given up" };

/** Nothing where nobody is to be told; that it could not be asked is no reason to say so here. */
export function Told({ batch }) {
  const isOver = !isActive(batch);
  const found = useLive(
    async (signal) => (isOver ? (await callApi(`/batches/${batch.id}/deliveries`, { signal })).data : []),
    (deliveries) => (deliveries.some((each) => each.status === "pending") ? LIVE_SECONDS : 0),
    [batch.id, isOver],
  );
  const deliveries = found.data ?? [];
  if (!deliveries.length) return null;
  return html`<section aria-labelledby="told"><h2 id="told">Who was told</h2>
    <ul class="told">${deliveries.map((each) => html`<li key=${each.id}>
      <span class=${`pill ${TONES[each.status] ?? ""}`}>${WORDS[each.status] ?? "ended"}</span>
      <span>${each.webhook_endpoint_id ? html`<strong>${each.name}</strong> ` : ""}${each.url}</span>
      ${each.failures > 0 && html`<small>${plural(each.failures, "attempt")} failed. ${each.last_failure}</small>`}</li>`)}</ul>
  </section>`;
}
