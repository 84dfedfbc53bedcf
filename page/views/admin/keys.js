// The keys of a project: what each may do, when it was used, and its end.

import { callApi } from "../../api.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Ask } from "../../parts/dialog.js";
import { Problem, When } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";
import { listAll } from "../usage/names.js";
import { NewKey } from "./new_key.js";

const COLUMNS = ["Name", "Key", "May", "Models", "Last used", "Expires"];

export function Keys({ project, path, models }) {
  const [revoked, revoke] = useState(null);
  const found = useLive((signal) => listAll(`projects/${project.id}/api_keys`, {}, signal), () => 0, [project.id]);
  const keys = found.data ?? [];
  return html`<section aria-labelledby="keys"><h2 id="keys">Keys</h2>
    <${Problem} error=${found.error} title="The keys could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the keys …</p>`}
    ${found.data && !keys.length && html`<p class="muted">No key opens this project yet.</p>`}
    ${keys.length > 0 && html`<table class="rows" aria-label="Keys">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}<td></td></tr></thead>
      <tbody>${keys.map((key) => html`<${Row} key=${key.id} of=${key} onRevoke=${() => revoke(key)} />`)}</tbody></table>`}
    ${revoked && html`<${AskToRevoke} of=${revoked} path=${path} onEnd=${(done) => (revoke(null), done && found.reload())} />`}
    ${!project.archived_at && html`<${NewKey} path=${path} models=${models} onMade=${found.reload} />`}
  </section>`;
}

const Row = ({ of, onRevoke }) => html`<tr>
  <th scope="row">${of.name}</th>
  <td data-of="Key"><code>${of.redacted_value}</code></td>
  <td data-of="May">${of.scopes.join(", ") || "everything"}</td>
  <td data-of="Models">${of.models.join(", ") || "all"}</td>
  <td data-of="Last used">${of.last_used_at ? html`<${When} at=${of.last_used_at} />` : "never"}</td>
  <td data-of="Expires">${of.expires_at ? html`<${When} at=${of.expires_at} />` : "never"}</td>
  <td class="does"><button class="danger" onClick=${onRevoke} aria-label=${`Revoke ${of.name} …`}>Revoke …</button></td>
</tr>`;

function AskToRevoke({ of, path, onEnd }) {
  const act = async () => {
    await callApi(`${path}/api_keys/${of.id}`, { method: "DELETE" });
    say(`${of.name} opens nothing any more.`);
  };
  return html`<${Ask} title=${`Revoke ${of.name}?`} verb="Revoke the key" tone="danger" act=${act} onEnd=${onEnd}>
    <p>Within 30 seconds every call with it is refused. Batches that it made run on. It cannot be brought back.</p>
    <p><code>${of.redacted_value}</code>, ${of.last_used_at ? html`last used <${When} at=${of.last_used_at} />` : "never used"}</p>
  </${Ask}>`;
}
