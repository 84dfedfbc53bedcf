// What the key of whoever signed in opens: name, project, models, scopes, budgets.

import { callApi } from "../api.js";
import { money } from "../format.js";
import { html, useEffect } from "../html.js";
import { When } from "../parts/small.js";
import { renewCaller } from "../session.js";

const WINDOWS = { day: "a day", week: "a week", month: "a month", total: "in all" };

export function View({ caller }) {
  useEffect(() => {
    callApi("/caller").then(renewCaller, () => {});
  }, []);
  return html`<h1 tabindex="-1">Your key</h1>
    <dl class="facts">
      <div><dt>Name</dt><dd>${caller.name}</dd></div>
      <div><dt>Project</dt><dd>${caller.project ? caller.project.name : "none: this is an administrator's key"}</dd></div>
      <div><dt>Key id</dt><dd>${caller.api_key_id ?? "the service's first key, or a token"}</dd></div>
    </dl>
    <section aria-labelledby="models"><h2 id="models">Models</h2><${List} of=${caller.models} none="No models." /></section>
    <section aria-labelledby="scopes"><h2 id="scopes">Scopes</h2><${List} of=${caller.scopes} none="None." /></section>
    <section aria-labelledby="budgets"><h2 id="budgets">Budgets</h2>
      ${caller.spend_limits.map((limit) => html`<${Budget} limit=${limit} />`)}
      ${!caller.spend_limits.length && html`<p class="muted">No budget limits what this key spends.</p>`}
    </section>`;
}

const List = ({ of, none }) =>
  of.length ? html`<ul class="chips">${of.map((each) => html`<li><code>${each}</code></li>`)}</ul>` : html`<p class="muted">${none}</p>`;

/** Of a project, of one of its models, or of the key itself. */
export function Budget({ limit }) {
  const { currency, interval, used, left } = limit;
  const of = limit.model ? `${limit.model} in this project` : limit.of === "project" ? "this project" : "this key";
  const title = `${money(limit.limit, currency)} ${WINDOWS[interval] ?? `per ${interval}`} for ${of}`;
  return html`<div class="budget">
    <p><strong>${title}</strong></p>
    <meter min="0" max=${limit.limit} high=${limit.limit * 0.8} optimum="0" value=${used} aria-label=${title}></meter>
    <p class="muted">${money(used, currency)} used, ${money(left, currency)} left.
      ${limit.renews_at && html` Renews <${When} at=${limit.renews_at} />.`}</p>
  </div>`;
}
