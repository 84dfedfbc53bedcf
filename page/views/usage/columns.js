// Columns over time, stacked by group, in plain SVG. The table that tells the same stands below it, folded.

import { html } from "../../html.js";

const MOST_SERIES = 5;
const WIDTH = 1000;
const HEIGHT = 200;
const OTHERS = "all others";

/** At most five series and what the others come to; `rows` are largest first. `value(row, at)` is a column's part. */
export function seriesOf(rows, value, nameOf) {
  const shown = rows.length > MOST_SERIES + 1 ? rows.slice(0, MOST_SERIES) : rows;
  const rest = rows.slice(shown.length);
  const series = shown.map((row) => ({ name: nameOf(row), at: (at) => value(row, at) }));
  if (rest.length) series.push({ name: OTHERS, at: (at) => rest.reduce((sum, row) => sum + value(row, at), 0) });
  return series;
}

/** `times` are the starts of all buckets; `write` says a number, `writeTime` a start, `title` what is measured. */
export function Columns({ series, times, write, writeTime, title }) {
  const sums = times.map((at) => series.reduce((sum, each) => sum + each.at(at), 0));
  const top = ceiling(Math.max(...sums));
  if (times.length < 2 || !top) return null;
  const most = sums.indexOf(Math.max(...sums));
  const words = `${title}, ${writeTime(times[0])} to ${writeTime(times.at(-1))}: most on ${writeTime(times[most])}, ${write(sums[most])}`;
  return html`<figure class="columns card">
    <figcaption>${title}</figcaption>
    <div class="plot">
      <ol class="scale" aria-hidden="true">${[top, top / 2, 0].map((each) => html`<li>${write(each)}</li>`)}</ol>
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${words}>
        ${[0, HEIGHT / 2].map((y) => html`<line x1="0" x2=${WIDTH} y1=${y} y2=${y} />`)}
        ${times.map((at, place) => html`<${Column} place=${place} of=${times.length} top=${top} label=${writeTime(at)}
          parts=${series.map((each) => [each.name, each.at(at)])} write=${write} />`)}
      </svg>
      <p class="times" aria-hidden="true">${ends(times).map((at) => html`<span>${writeTime(at)}</span>`)}</p>
    </div>
    ${series.length > 1 && html`<ul class="legend">${series.map((each, at) => html`<li class=${`tone-${at}`}>${each.name}</li>`)}</ul>`}
  </figure>`;
}

function Column({ place, of, top, label, parts, write }) {
  const wide = WIDTH / of;
  const gap = Math.min(wide * 0.25, 8);
  let y = HEIGHT;
  return html`<g>${parts.map(([name, value], tone) => {
    if (!value) return null;
    const height = (HEIGHT * value) / top;
    y -= height;
    return html`<rect class=${`tone-${tone}`} x=${place * wide + gap / 2} y=${y} width=${wide - gap} height=${height}>
      <title>${`${label}: ${parts.length > 1 ? `${name} ` : ""}${write(value)}`}</title></rect>`;
  })}</g>`;
}

/** The next round number, half of which is round as well. */
function ceiling(number) {
  if (number <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 3, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= number) ?? 10 * power;
}

const ends = (times) => (times.length < 5 ? times : [times[0], times[Math.floor((times.length - 1) / 2)], times.at(-1)]);
