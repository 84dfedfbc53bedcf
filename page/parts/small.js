// Small things that many views show.

import { countsInWords, finished, heldUp, isActive, state } from "../batch_facts.js";
import { ago, exactTime, localTime, money, shortened, utcTime } from "../format.js";
import { html } from "../html.js";
import { say } from "./toasts.js";

/** A moment in local time, with UTC for whoever points at it. */
export const When = ({ at, isRelative = false, isExact = false }) =>
  at ? html`<time datetime=${new Date(at * 1000).toISOString()} title=${`${localTime(at)} local, ${utcTime(at)}`}
    >${isRelative ? ago(at) : isExact ? exactTime(at) : localTime(at)}</time>` : html`<span class="none">–</span>`;

export function Pill({ batch }) {
  const { word, tone } = state(batch);
  return html`<span class=${`pill ${tone}`}>${word}</span>`;
}

/** An id to be copied whole. */
export function Id({ id, what = "id", isWhole = false, isHidden = false }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(id);
      say(`Copied ${id}`);
    } catch {
      say("The browser does not let this page copy. Select the text instead.", "bad");
    }
  };
  return html`<span class="id">
    ${!isHidden && html`<code title=${id}>${isWhole ? id : shortened(id)}</code>`}
    <button class="plain copy" onClick=${copy} aria-label=${`Copy the ${what} ${id}`} title=${`Copy the ${what}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M5 2h8v9h-2M3 5h8v9H3z" /></svg>
    </button>
  </span>`;
}

/** Succeeded, failed and left of a batch as one bar. */
export function Bar({ batch }) {
  const { total, completed, failed } = batch.request_counts;
  const share = (part) => ({ width: `${total ? (100 * part) / total : 0}%` });
  return html`<div class=${`progress ${isActive(batch) ? "" : "over"}`} role="img"
    aria-label=${countsInWords(batch)}>
    <span class="done" style=${share(completed)}></span><span class="lost" style=${share(failed)}></span>
  </div>`;
}

/** Why a batch waits, and until when. */
export function HeldUp({ batch }) {
  const why = heldUp(batch);
  const reason = why?.reason ?? (batch.status === "in_progress" && finished(batch) ? batch.progress?.reason : null);
  if (!reason) return null;
  const until = why?.until ? html` It tries again at <${When} at=${why.until} />.` : "";
  return html`<p class="held">${reason}${until}</p>`;
}

export const Cost = ({ cost }) => {
  if (!cost) return html`<span class="none">–</span>`;
  const expected = cost.estimated == null ? "" : html`<small>of about ${money(cost.estimated, cost.currency)}</small>`;
  return html`${money(cost.actual, cost.currency)} ${expected}`;
};

/** One of several: `options` are pairs of a value and what it is called. */
export const Choice = ({ label, value, options, onChange }) => html`<label>${label}
  <select value=${value} onChange=${onChange}>
    ${options.map(([each, title]) => html`<option value=${each} selected=${each === value}>${title}</option>`)}
  </select></label>`;

/** What the service refused, in its words. */
export const Problem = ({ error, title = "There is a problem", onRetry }) =>
  error && html`<div class="problem" role="alert">
    <p><strong>${error.status === 0 ? "No connection" : title}</strong> ${error.message}</p>
    ${onRetry && html`<button onClick=${onRetry}>Try again</button>`}
  </div>`;
