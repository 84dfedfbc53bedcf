// The keys of a project: what each may do, when it was used, what may be done with it.

import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem, When } from "../../parts/small.js";
import { listAll } from "../usage/names.js";
import { AskToChange, AskToRevoke, AskToRotate } from "./key_changes.js";
import { limitInWords } from "./money_fields.js";
import { NewKey, Secret } from "./new_key.js";

const QUESTIONS = { change: AskToChange, rotate: AskToRotate, revoke: AskToRevoke };
const COLUMNS = ["Name", "Key", "May", "Models", "Last used", "Expires"];

export function Keys({ project, path, models }) {
  const [asked, ask] = useState(null);
  const [secret, setSecret] = useState(null);
  const found = useLive((signal) => listAll(`projects/${project.id}/api_keys`, {}, signal), () => 0, [project.id]);
  const keys = found.data ?? [];
  const Question = asked && QUESTIONS[asked.what];
  const isOpen = !project.archived_at;
  return html`<section aria-labelledby="keys"><h2 id="keys">Keys</h2>
    <${Problem} error=${found.error} title="The keys could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the keys …</p>`}
    ${found.data && !keys.length && html`<p class="muted">No key opens this project yet.</p>`}
    ${keys.length > 0 && html`<table class="rows" aria-label="Keys">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}<td></td></tr></thead>
      <tbody>${keys.map((key) => html`<${Row} key=${key.id} of=${key} isOpen=${isOpen} onAsk=${(what) => ask({ what, of: key })} />`)}</tbody></table>`}
    ${asked && html`<${Question} of=${asked.of} path=${path} models=${models} onSecret=${setSecret}
      onEnd=${(done) => (ask(null), done && found.reload())} />`}
    ${secret && html`<${Secret} what="key" name=${secret.name} value=${secret.value} onSeen=${() => setSecret(null)} />`}
    ${isOpen && html`<${NewKey} path=${path} models=${models} onMade=${(made) => (setSecret(made), found.reload())} />`}
  </section>`;
}

const more = (of) => [
  ...Object.entries(of.labels).map(([key, value]) => `${key}: ${value}`),
  ...(of.max_priority === "high" ? [] : [`priority ${of.max_priority}`]),
  ...(of.spend_limit ? [limitInWords(of.spend_limit)] : []),
];

const Row = ({ of, isOpen, onAsk }) => html`<tr>
  <th scope="row">${of.name}${more(of).map((each) => html`<small>${each}</small>`)}</th>
  <td data-of="Key"><code>${of.redacted_value}</code></td>
  <td data-of="May">${of.scopes.join(", ") || "everything"}</td>
  <td data-of="Models">${of.models.join(", ") || "all"}</td>
  <td data-of="Last used">${of.last_used_at ? html`<${When} at=${of.last_used_at} />` : "never"}</td>
  <td data-of="Expires">${of.expires_at ? html`<${When} at=${of.expires_at} />` : "never"}</td>
  <td class="does">${isOpen && html`
    <button onClick=${() => onAsk("change")} aria-label=${`Change ${of.name} …`}>Change …</button>
    <button onClick=${() => onAsk("rotate")} aria-label=${`Rotate ${of.name} …`}>Rotate …</button>`}
    <button class="danger" onClick=${() => onAsk("revoke")} aria-label=${`Revoke ${of.name} …`}>Revoke …</button></td>
</tr>`;
