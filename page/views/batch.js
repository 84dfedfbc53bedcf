// One batch: what it has come to, its moments, what failed, its results beside their requests, and what may be done.

import { callApi } from "../api.js";
import { description, isActive, lasted, tags, timeLeft } from "../batch_facts.js";
import { count, duration } from "../format.js";
import { html, useRef } from "../html.js";
import { useLive } from "../live.js";
import { Chart } from "../parts/chart.js";
import { Counts } from "../parts/counts.js";
import { Bar, Cost, HeldUp, Id, Pill, Problem, When } from "../parts/small.js";
import { Snippet } from "../parts/snippet.js";
import { hrefOf } from "../route.js";
import { may } from "../session.js";
import { Actions } from "./batch_actions.js";
import { Downloads } from "./batch_downloads.js";
import { Failures } from "./batch_failures.js";
import { Results } from "./batch_results.js";
import { Targets } from "./batch_targets.js";
import { Told } from "./batch_told.js";
import { Timeline } from "./batch_timeline.js";

const LIVE_SECONDS = 3;
const MOST_SAMPLES = 400;

export function View({ id }) {
  const samples = useRef([]);
  const found = useLive(
    async (signal) => {
      const batch = await callApi(`/batches/${encodeURIComponent(id)}`, { signal });
      sample(samples.current, batch);
      return batch;
    },
    (batch) => (isActive(batch) ? LIVE_SECONDS : 0),
    [id],
  );
  const batch = found.data;
  return html`
    <${Back} />
    <div class="head">
      <h1 tabindex="-1">${(batch && description(batch)) || "Batch"}</h1>
      ${batch && html`<${Pill} batch=${batch} /><${Actions} batch=${batch} onDone=${found.reload} />`}
    </div>
    <${Problem} error=${found.error} title="This batch cannot be shown." onRetry=${found.reload} />
    ${batch && html`<${Whole} batch=${batch} samples=${samples.current} />`}
    ${!batch && !found.error && html`<p class="muted" role="status">Reading the batch …</p>`}
  `;
}

const Whole = ({ batch, samples }) => html`
  <p class="under"><${Id} id=${batch.id} what="batch id" isWhole=${true} />
    ${batch.retry_of && html` Retry of <a href=${hrefOf("batches", batch.retry_of)}>${batch.retry_of}</a>`}</p>
  <${Errors} errors=${batch.errors} />
  <${Overview} batch=${batch} samples=${samples} />
  <${Failures} batch=${batch} />
  <${Told} batch=${batch} />
  <${Lower} batch=${batch} />
`;

const Back = () => html`<p class="back"><a href=${hrefOf("batches")}>← All batches</a></p>`;

function sample(samples, batch) {
  const { completed, failed } = batch.request_counts;
  samples.push({ at: Date.now() / 1000, completed, failed });
  if (samples.length > MOST_SAMPLES) samples.splice(1, samples.length - MOST_SAMPLES);
}

function Overview({ batch, samples }) {
  const now = Date.now() / 1000;
  const left = timeLeft(batch, now);
  const tokens = batch.usage;
  return html`<section class="overview" aria-label="Overview">
    <div class="card wide">
      <${Bar} batch=${batch} /><${Counts} batch=${batch} /><${HeldUp} batch=${batch} /><${Targets} batch=${batch} />
      <${Chart} samples=${samples} total=${batch.request_counts.total} isLive=${isActive(batch)} />
    </div>
    <dl class="facts card">
      <div><dt>Took</dt><dd>${duration(lasted(batch, now))}${left && html` <small>${left}</small>`}</dd></div>
      <div><dt>Model</dt><dd>${batch.model ?? "–"}</dd></div>
      <div><dt>Endpoint</dt><dd>${batch.endpoint}</dd></div>
      <div><dt>Tokens in</dt><dd>${count(tokens?.input_tokens ?? 0)}</dd></div>
      <div><dt>Tokens out</dt><dd>${count(tokens?.output_tokens ?? 0)}</dd></div>
      <div><dt>Cost</dt><dd><${Cost} cost=${batch.cost} /></dd></div>
      <div><dt>Window</dt><dd>${batch.completion_window}${batch.expires_at && html`, to <${When} at=${batch.expires_at} />`}</dd></div>
      ${batch.leaders_first === false && html`<div><dt>Order</dt><dd>as in the file</dd></div>`}
      ${batch.leaders_first === "neighbours" && html`<div><dt>Order</dt><dd>about as in the file</dd></div>`}
      ${batch.callback_url && html`<div><dt>Calls</dt><dd>${batch.callback_url}</dd></div>`}
      ${batch.priority && html`<div><dt>Priority</dt><dd>${batch.priority}</dd></div>`}
      ${tags(batch).map(([key, value]) => html`<div><dt>${key}</dt><dd>${value}</dd></div>`)}
    </dl>
    <div class="card"><h2>Timeline</h2><${Timeline} batch=${batch} /></div>
  </section>`;
}

/** Why a batch failed as a whole: what is wrong with its file, by line. */
function Errors({ errors }) {
  if (!errors?.data.length) return null;
  return html`<section class="problem" aria-labelledby="errors"><h2 id="errors">Why it failed</h2>
    <ul>${errors.data.map((error) => html`<li>${error.line != null && html`<strong>Line ${error.line}</strong> `}
      ${error.message} <code>${error.code}</code></li>`)}</ul></section>`;
}

function Lower({ batch }) {
  if (!may("api.files.read")) return html`<p class="muted">Your key may not read files, so no results are shown.</p>`;
  return html`
    <section aria-labelledby="files"><h2 id="files">Files</h2><${Downloads} batch=${batch} /></section>
    ${batch.request_counts.total > 0 && html`<section aria-labelledby="results"><h2 id="results">Results</h2>
      <${Results} batch=${batch} /></section>`}
    <${Snippet} codes=${codes(batch.id)} />`;
}

const codes = (id) => ({
  curl: `"URL/batches/${id}/results?limit=1000"`,
  python: `batch = client.batches.retrieve("${id}")
if batch.output_file_id:
    client.files.content(batch.output_file_id).write_to_file("answers.jsonl")`,
  node: `const batch = await client.batches.retrieve("${id}");
const answers = batch.output_file_id && (await client.files.content(batch.output_file_id));
if (answers) console.log(await answers.text());`,
});
