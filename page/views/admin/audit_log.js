// Who did what, the newest first; by kind of act.

import { callApi, query } from "../../api.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Choice, Problem, When } from "../../parts/small.js";
import { shortened } from "../../format.js";
import { goTo } from "../../route.js";

const PAGE = 50;
const TYPES = [
  "organization.updated", "project.created", "project.updated", "project.archived", "service_account.created",
  "service_account.updated", "service_account.deleted", "api_key.created", "api_key.updated", "api_key.deleted",
];
const words = (type) => type.replace("api_key", "key").replace("_", " ").replace(".", " ");

export function AuditLog({ route }) {
  const type = route.search.get("type") ?? "";
  const [cursors, setCursors] = useState([]);
  const after = cursors.at(-1) ?? "";
  const asked = query({ limit: PAGE, after, event_types: type });
  const found = useLive((signal) => callApi(`/organization/audit_logs${asked}`, { signal }), () => 0, [asked]);
  const choose = (event) => {
    setCursors([]);
    goTo(["admin", "audit"], { type: event.target.value }, true);
  };
  const logs = found.data?.data ?? [];
  return html`<div class="filters"><${Choice} label="Act" value=${type} onChange=${choose}
      options=${[["", "any"], ...TYPES.map((each) => [each, words(each)])]} /></div>
    <${Problem} error=${found.error} title="The log could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the log …</p>`}
    ${found.data && !logs.length && html`<p class="muted">Nothing of that kind was done.</p>`}
    ${logs.length > 0 && html`<table class="rows" aria-label="Audit log">
      <thead><tr>${["When", "Who", "What", "Of", "In project"].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${logs.map((log) => html`<${Row} key=${log.id} log=${log} />`)}</tbody></table>
    <nav class="pages" aria-label="Pages">
      <button disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Newer</button>
      <button disabled=${!found.data.has_more} onClick=${() => setCursors([...cursors, found.data.last_id])}>Older</button></nav>`}`;
}

function Row({ log }) {
  const { id, data, changes_requested: changes } = log[log.type];
  return html`<tr><td data-of="When"><${When} at=${log.effective_at} isExact=${true} /></td>
    <td data-of="Who">${log.actor.name}</td>
    <th scope="row">${words(log.type)}</th>
    <td data-of="Of">${data?.name && `${data.name} `}<code title=${id}>${shortened(id)}</code>
      ${changes && html`<small class="changes">${JSON.stringify(changes)}</small>`}</td>
    <td data-of="In project">${log.project?.name ?? html`<span class="none">–</span>`}</td></tr>`;
}
