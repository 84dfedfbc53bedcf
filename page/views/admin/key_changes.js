// What may be done with a key that is there: change what it may, put another in its place, end it.

import { callApi } from "../../api.js";
import { formAround, html, textOf } from "../../html.js";
import { Ask } from "../../parts/dialog.js";
import { When } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";
import { KeyFields, readKey } from "./key_fields.js";

const OVERLAPS = [["3600", "for another hour"], ["86400", "for another day"], ["604800", "for another week"], ["", "until it is revoked"]];

export function AskToRevoke({ of, path, onEnd }) {
  const act = async () => {
    await callApi(`${path}/api_keys/${of.id}`, { method: "DELETE" });
    say(`${of.name} opens nothing any more.`);
  };
  return html`<${Ask} title=${`Revoke ${of.name}?`} verb="Revoke the key" tone="danger" act=${act} onEnd=${onEnd}>
    <p>Within 30 seconds every call with it is refused. Batches that it made run on. It cannot be brought back.</p>
    <p><code>${of.redacted_value}</code>, ${of.last_used_at ? html`last used <${When} at=${of.last_used_at} />` : "never used"}</p>
  </${Ask}>`;
}

export function AskToChange({ of, path, models, onEnd }) {
  const act = async () => {
    const body = readKey(formAround("change-key"));
    await callApi(`${path}/api_keys/${of.id}`, { method: "POST", body });
    say(`${of.name} is changed. It holds within 30 seconds.`);
  };
  return html`<${Ask} title=${`Change ${of.name}`} verb="Change the key" act=${act} onEnd=${onEnd}>
    <div id="change-key" class="fields"><${KeyFields} prefix="change" models=${models} of=${of} /></div></${Ask}>`;
}

/** `onSecret` is given the new key, whose text is shown once. */
export function AskToRotate({ of, path, onSecret, onEnd }) {
  const account = of.owner.service_account;
  const act = async () => {
    const given = formAround("rotate-key");
    const made = await callApi(`${path}/service_accounts/${account.id}/api_keys`, { method: "POST", body: sameAs(of, textOf(given, "name")) });
    onSecret(made);
    await endOld(of, path, Number(given.get("overlap")));
  };
  return html`<${Ask} title=${`Another key in place of ${of.name}`} verb="Make the new key" act=${act} onEnd=${onEnd}>
    <p>It may what the old one may, is of the same account, and is shown once.</p>
    <div id="rotate-key" class="fields">
      <div><label for="rotated-name">Name of the new key</label>
        <input id="rotated-name" name="name" required defaultValue=${nextName(of.name)} autocomplete="off" /></div>
      <div><label for="overlap">The old one goes on</label><select id="overlap" name="overlap">
        ${OVERLAPS.map(([value, title]) => html`<option value=${value} selected=${value === "86400"}>${title}</option>`)}</select></div>
    </div></${Ask}>`;
}

/** `job` becomes `job 2`, that `job 3`. */
function nextName(name) {
  const [, stem, number] = name.match(/^(.*?)(?: (\d+))?$/s);
  return `${stem} ${Number(number ?? 1) + 1}`;
}

/** One that expires, expires after as long a life. */
function sameAs(of, name) {
  const { scopes, models, labels, max_priority, spend_limit } = of;
  const life = of.expires_at ? { expires_in_seconds: of.expires_at - of.created_at } : {};
  return { name, scopes, models, labels, max_priority, ...(spend_limit ? { spend_limit } : {}), ...life };
}

/** The new key is there by now, whatever becomes of this. Never does it give the old one a longer life. */
async function endOld(of, path, seconds) {
  const left = of.expires_at ? of.expires_at - Date.now() / 1000 : Infinity;
  if (!seconds || left <= seconds) return;
  try {
    await callApi(`${path}/api_keys/${of.id}`, { method: "POST", body: { expires_in_seconds: seconds } });
  } catch (error) {
    say(`The new key is made, but the old one goes on: ${error.message}`, "bad");
  }
}
