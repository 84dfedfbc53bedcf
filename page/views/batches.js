// The list of batches: filters, what is active first, a page at a time, live while something is active.

import { callApi, query } from "../api.js";
import { STATUSES, description, isActive, lasted, tags, timeLeft } from "../batch_facts.js";
import { compact, duration, plural, shortened } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { useLive } from "../live.js";
import { Bar, Cost, HeldUp, Id, Pill, Problem, When } from "../parts/small.js";
import { Counts } from "../parts/counts.js";
import { Snippet } from "../parts/snippet.js";
import { goTo, hrefOf } from "../route.js";
import { may } from "../session.js";
import { BatchFilter, readFilter } from "./batch_filter.js";

const PAGE = 100;
const LIVE_SECONDS = 5;
const MOST_LOOKED_AT = 10;
const COLUMNS = ["Created", "Batch", "Status", "Model", "Progress", "Time", "Tokens", "Cost"];
const ACTIVE_STATUSES = STATUSES.filter((status) => isActive({ status })).join(",");
const CODES = {
  curl: '"URL/batches?limit=100"',
  python: "for batch in client.batches.list(limit=100):\n    print(batch.id, batch.status, batch.request_counts)",
  node: "for await (const batch of client.batches.list({ limit: 100 })) console.log(batch.id, batch.status);",
};

export function Batches({ route, caller }) {
  const filter = readFilter(route.search);
  const asked = query(filter.asked);
  const [trail, setTrail] = useState({ of: asked, cursors: [] });
  const cursors = trail.of === asked ? trail.cursors : []; // Another list begins at its first page.
  useEffect(() => setTrail({ of: asked, cursors: [] }), [asked]);
  const after = cursors.at(-1) ?? "";
  const isFirst = !after;
  const found = useLive(
    (signal) => load(filter, after, signal),
    ({ batches }) => (isFirst && batches.some(isActive) ? LIVE_SECONDS : 0),
    [asked, after],
  );
  const shown = found.data?.batches ?? [];
  const now = Date.now() / 1000;
  const change = (next) => goTo(["batches"], next, true);
  const turn = () => change({ ...filter.values, order: filter.values.order ? "" : "asc" });
  return html`
    <div class="head">
      <h1 tabindex="-1">Batches</h1>
      <p class="muted">${caller.project?.name}</p>
      ${may("api.batches.write") && html`<div class="actions"><a class="button main" href=${hrefOf("create")}>New batch</a></div>`}
    </div>
    <${BatchFilter} filter=${filter} models=${caller.models} onChange=${change} />
    <${Problem} error=${found.error} title="The list could not be read." onRetry=${found.reload} />
    ${shown.length > 0 && html`<${Table} batches=${shown} now=${now} order=${filter.values.order} onTurn=${turn} />`}
    ${found.data && !shown.length && html`<${Empty} filter=${filter} isFirst=${isFirst} />`}
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the batches …</p>`}
    ${found.data && html`<${Pages} cursors=${cursors} setCursors=${(next) => setTrail({ of: asked, cursors: next })} data=${found.data} shown=${shown} />`}
    <${Snippet} codes=${CODES} />
  `;
}

/** A page, what is active before all else on the first one; the active are looked at one by one, for why they wait. */
async function load(filter, after, signal) {
  const list = (more) => callApi(`/batches${query({ limit: PAGE, ...filter.asked, ...more })}`, { signal });
  const isActiveFirst = !after && filter.isActiveFirst;
  const [page, active] = await Promise.all([list({ after }), isActiveFirst && list({ status: ACTIVE_STATUSES })]);
  const first = active ? active.data : [];
  const known = new Set(first.map((batch) => batch.id));
  const batches = [...first, ...page.data.filter((batch) => !known.has(batch.id))];
  const looked = batches.filter(isActive).slice(0, MOST_LOOKED_AT);
  const single = await Promise.all(looked.map((batch) => callApi(`/batches/${batch.id}`, { signal })));
  const byId = new Map(single.map((batch) => [batch.id, batch]));
  return { batches: batches.map((batch) => byId.get(batch.id) ?? batch), next: page.has_more ? page.last_id : null };
}

function Table({ batches, now, order, onTurn }) {
  const [created, ...others] = COLUMNS;
  return html`<table class="list" aria-label="Batches">
    <thead><tr>
      <th scope="col" aria-sort=${order ? "ascending" : "descending"}>
        <button class="plain sort" onClick=${onTurn} title=${order ? "Oldest first. Turn to newest" : "Newest first. Turn to oldest"}>
          ${created} <span aria-hidden="true">${order ? "↑" : "↓"}</span></button></th>
      ${others.map((name) => html`<th scope="col">${name}</th>`)}
    </tr></thead>
    <tbody>${batches.map((batch) => html`<${Row} key=${batch.id} batch=${batch} now=${now} />`)}</tbody>
  </table>`;
}

function Row({ batch, now }) {
  const left = timeLeft(batch, now);
  const tokens = batch.usage?.total_tokens ?? 0;
  const name = description(batch);
  return html`<tr>
    <td class="when"><${When} at=${batch.created_at} /></td>
    <td class="what">
      <a href=${hrefOf("batches", batch.id)}>${name || html`<span class="unnamed">${shortened(batch.id)}</span>`}</a>
      <${Id} id=${batch.id} what="batch id" isHidden=${!name} />
      <${Tags} batch=${batch} />
    </td>
    <td><${Pill} batch=${batch} /></td>
    <td class="model"><span>${batch.model ?? html`<span class="none">–</span>`}</span><small>${batch.endpoint.replace("/v1/", "")}</small></td>
    <td class="bars"><${Bar} batch=${batch} /><${Counts} batch=${batch} /><${HeldUp} batch=${batch} /></td>
    <td class="time">${duration(lasted(batch, now))}${left && html`<small>${left}</small>`}</td>
    <td class="number" data-of="tokens">${tokens ? compact(tokens) : html`<span class="none">–</span>`}</td>
    <td class="number"><${Cost} cost=${batch.cost} /></td>
  </tr>`;
}

const Tags = ({ batch }) => {
  const pairs = tags(batch);
  return pairs.length ? html`<ul class="chips">${pairs.map(([key, value]) => html`<li>${key}: ${value}</li>`)}</ul>` : null;
};

function Pages({ cursors, setCursors, data, shown }) {
  return html`<nav class="pages" aria-label="Pages">
    <button disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Back</button>
    <span role="status">${plural(shown.length, "batch", "batches")} on page ${cursors.length + 1}</span>
    <button disabled=${!data.next} onClick=${() => setCursors([...cursors, data.next])}>Next</button>
  </nav>`;
}

function Empty({ filter, isFirst }) {
  if (filter.isSet || !isFirst) {
    return html`<div class="empty"><h2>No batch fits</h2>
      <p>Nothing on this page has what the filters ask for.</p>
      <button onClick=${() => goTo(["batches"])}>Take the filters away</button></div>`;
  }
  return html`<div class="empty"><h2>No batches yet</h2>
    <p>A batch is a file of requests that are answered one by one, however long it takes.</p>
    ${may("api.batches.write") && html`<a class="button main" href=${hrefOf("create")}>Create the first one</a>`}</div>`;
}
