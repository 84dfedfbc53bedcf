// The keys of administrators: one for each person and program, so that the audit log says who it was.

import { callApi } from "../../api.js";
import { html, textOf, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Ask } from "../../parts/dialog.js";
import { Problem, When } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";
import { listAll } from "../usage/names.js";
import { DAYS, Secret } from "./new_key.js";

const PATH = "/organization/admin_api_keys";

export function Administrators({ caller }) {
  const [gone, askFor] = useState(null);
  const [secret, setSecret] = useState(null);
  const found = useLive((signal) => listAll("admin_api_keys", {}, signal), () => 0, []);
  const keys = found.data ?? [];
  return html`<p class="under after-title">Each of these administers everything, and opens no batches and no files.
    The first key of the service is a setting, and not among them.</p>
    <${NewAdministrator} onMade=${(made) => (setSecret(made), found.reload())} />
    ${secret && html`<${Secret} what="key" name=${secret.name} value=${secret.value} onSeen=${() => setSecret(null)} />`}
    <${Problem} error=${found.error} title="The keys could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the keys …</p>`}
    ${found.data && !keys.length && html`<p class="muted">There is only the service's first key.</p>`}
    ${keys.length > 0 && html`<table class="rows" aria-label="Administrators">
      <thead><tr>${["Name", "Key", "Last used", "Expires"].map((name) => html`<th scope="col">${name}</th>`)}<td></td></tr></thead>
      <tbody>${keys.map((key) => html`<tr key=${key.id}><th scope="row">${key.name}${key.id === caller.api_key_id && html`<small>this is yours</small>`}</th>
        <td data-of="Key"><code>${key.redacted_value}</code></td>
        <td data-of="Last used">${key.last_used_at ? html`<${When} at=${key.last_used_at} />` : "never"}</td>
        <td data-of="Expires">${key.expires_at ? html`<${When} at=${key.expires_at} />` : "never"}</td>
        <td class="does"><button class="danger" onClick=${() => askFor(key)}
          aria-label=${`Revoke ${key.name} …`}>Revoke …</button></td></tr>`)}</tbody></table>`}
    ${gone && html`<${AskToRevoke} of=${gone} onEnd=${(done) => (askFor(null), done && found.reload())} />`}`;
}

function AskToRevoke({ of, onEnd }) {
  const act = async () => {
    await callApi(`${PATH}/${of.id}`, { method: "DELETE" });
    say(`${of.name} administers nothing any more.`);
  };
  return html`<${Ask} title=${`Revoke ${of.name}?`} verb="Revoke the key" tone="danger" act=${act} onEnd=${onEnd}>
    <p>Within 30 seconds every call with it is refused. It cannot be brought back.</p><p><code>${of.redacted_value}</code></p></${Ask}>`;
}

function NewAdministrator({ onMade }) {
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const seconds = Number(given.get("days")) * 86400;
    try {
      const body = { name: textOf(given, "name"), ...(seconds ? { expires_in_seconds: seconds } : {}) };
      onMade(await callApi(PATH, { method: "POST", body }));
      setProblem(null);
      form.reset();
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form class="one-line" onSubmit=${create} autocomplete="off">
      <label for="admin-name">New administrator</label>
      <input id="admin-name" name="name" required placeholder="Ada" />
      <select name="days" aria-label="Expires">${DAYS.map(([value, title]) =>
        html`<option value=${value}>${value ? `expires ${title}` : "never expires"}</option>`)}</select>
      <button class="main">Create the key</button></form>
    <${Problem} error=${problem} title="The key was not made." />`;
}
