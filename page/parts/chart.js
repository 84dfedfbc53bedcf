// How many requests had finished, over the time that one has looked: two lines in plain SVG, and the same in words.

import { duration, plural } from "../format.js";
import { html } from "../html.js";

const WIDTH = 600;
const HEIGHT = 90;

export function Chart({ samples, total, isLive }) {
  const first = samples[0];
  const last = samples.at(-1);
  if (samples.length < 3 || !total || last.at - first.at < 4) {
    return isLive ? html`<p class="muted small">The chart begins after some seconds.</p>` : null;
  }
  const x = (at) => (WIDTH * (at - first.at)) / (last.at - first.at);
  const y = (finished) => HEIGHT - (HEIGHT * finished) / total;
  const line = (of) => samples.map((each) => `${x(each.at).toFixed(1)},${y(of(each)).toFixed(1)}`).join(" ");
  const finished = last.completed + last.failed - first.completed - first.failed;
  const words = `${plural(finished, "request")} finished in the last ${duration(last.at - first.at)}, ${(finished / (last.at - first.at)).toFixed(1)} a second`;
  if (!finished) return html`<p class="muted small">Nothing finished in the last ${duration(last.at - first.at)}.</p>`;
  return html`<figure class="chart">
    <svg viewBox=${`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" role="img" aria-label=${words}>
      <polyline class="done" points=${line((each) => each.completed + each.failed)} />
      ${last.failed > 0 && html`<polyline class="lost" points=${line((each) => each.failed)} />`}
    </svg>
    <figcaption>${words}.</figcaption>
  </figure>`;
}
