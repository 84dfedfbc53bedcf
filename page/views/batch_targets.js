// How each upstream of a batch's deployment fares, where it has several.

import { html } from "../html.js";
import { When } from "../parts/small.js";

const TONES = { ok: "good", slowed: "warn", paused: "bad" };

export function Targets({ batch }) {
  const targets = batch.progress?.targets ?? [];
  if (!targets.length) return null;
  return html`<section class="targets" aria-labelledby="targets"><h2 id="targets">Upstreams</h2>
    <ul>${targets.map((target) => html`<li key=${target.name}>
      <strong>${target.name}</strong> <span class=${`pill ${TONES[target.status]}`}>${target.status}</span>
      ${target.reason && html`<span>${target.reason}</span>`}
      ${target.until && html`<small>It is asked again at <${When} at=${target.until} isExact=${true} /></small>`}</li>`)}</ul>
  </section>`;
}
