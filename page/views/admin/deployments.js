// The deployments and each of their upstreams: whether it is well, what it takes, what it costs. On demand everything the service depends on.

import { callApi } from "../../api.js";
import { count, money } from "../../format.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem, When } from "../../parts/small.js";

const LIVE_SECONDS = 10;
const TONES = { ok: "good", slowed: "warn", paused: "bad", degraded: "warn", failed: "bad" };
const LIMITS = [
  ["max_concurrency", "at once"],
  ["requests_per_minute", "requests/min"],
  ["tokens_per_minute", "tokens/min"],
  ["enqueued_tokens", "tokens enqueued"],
];

export function Deployments() {
  const found = useLive((signal) => callApi("/models", { signal }), () => LIVE_SECONDS, []);
  return html`<${Problem} error=${found.error} title="The deployments could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the deployments …</p>`}
    ${found.data && html`<table class="rows" aria-label="Deployments">
      <thead><tr>${["Model", "Health", "Limits", "Price a million tokens", "Endpoints"].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${found.data.data.map((model) => html`<tr key=${model.id}><th scope="row">${model.id}</th>
        <td><${Health} of=${model.health} /></td>
        <td data-of="Limits">${limits(model.limits)}</td><td data-of="Price">${price(model.price)}</td>
        <td data-of="Endpoints">${model.endpoints.map((each) => each.replace("/v1/", "")).join(", ")}</td></tr>
        ${(model.targets ?? []).map((target) => html`<${Upstream} key=${`${model.id}/${target.name}`} of=${target} />`)}`)}</tbody></table>`}
    <${Checks} />`;
}

const Health = ({ of }) => html`<span class=${`pill ${TONES[of.status]}`}>${of.status}</span>
  ${of.until && html`<small>until <${When} at=${of.until} isExact=${true} /></small>`}`;

const roleOf = ({ role, weight }) => [role === "primary" ? "" : "where no other has room", weight === 1 ? "" : `weight ${weight}`].filter(Boolean).join(", ");

const Upstream = ({ of }) => html`<tr class="part"><th scope="row">${of.name}${roleOf(of) && html`<small>${roleOf(of)}</small>`}</th>
  <td><${Health} of=${of.health} /></td><td data-of="Limits">${limits(of.limits)}</td><td></td><td></td></tr>`;

const limits = (of) => LIMITS.filter(([name]) => of[name] != null).map(([name, title]) => `${count(of[name])} ${title}`).join(", ") || "none";
const PRICE_DECIMALS = 4;
const price = (of) => (of ? `${money(of.input, of.currency, PRICE_DECIMALS)} in, ${money(of.output, of.currency, PRICE_DECIMALS)} out` : "none known");

function Checks() {
  const [checks, setChecks] = useState(null);
  const [problem, setProblem] = useState(null);
  const look = async () => {
    setProblem(null);
    try {
      setChecks(await callApi("/readyz", { prefix: "" }));
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<section aria-labelledby="checks"><h2 id="checks">Everything that the service depends on</h2>
    <p><button onClick=${look}>Check it now</button></p>
    <${Problem} error=${problem} title="Something that is needed does not work." />
    <div role="status">${checks && html`<ul class="checks">${checks.checks.map((check) => html`<li>
      <span class=${`pill ${check.status === "ok" ? "good" : check.required ? "bad" : "warn"}`}>${check.status}</span>
      <span><code>${check.name}</code> <small>${check.latency_ms} ms</small></span><span>${check.message}</span></li>`)}</ul>`}</div>
  </section>`;
}
