// What may be done with a webhook endpoint: a test, other fields, another secret, its end.

import { callApi } from "../../api.js";
import { formAround, html, textOf } from "../../html.js";
import { Ask } from "../../parts/dialog.js";
import { say } from "../../parts/toasts.js";

export const PATH = "/webhook_endpoints";
export const EVENTS = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"];
export const MONEY = "spend_alert.reached";
/** What an endpoint is told of, as people say it. */
export const words = (type) => (type === MONEY ? "spend alerts" : type.replace("batch.", ""));
const OK = [200, 299];

/** One event of a batch that does not exist, now; what came back is said. */
export async function sendTest(of) {
  try {
    const answer = await callApi(`${PATH}/${of.id}/test`, { method: "POST", body: { event_type: of.event_types[0] } });
    const isTaken = answer.status_code >= OK[0] && answer.status_code <= OK[1];
    say(`${of.name} answered HTTP ${answer.status_code}${isTaken ? "." : ": real events are sent again until it answers 2xx."}`, isTaken ? "good" : "bad");
  } catch (error) {
    say(error.message, "bad");
  }
}

export function AskToDelete({ of, onEnd }) {
  const act = async () => {
    await callApi(`${PATH}/${of.id}`, { method: "DELETE" });
    say(`${of.name} is told nothing any more.`);
  };
  return html`<${Ask} title=${`Delete ${of.name}?`} verb="Delete the endpoint" tone="danger" act=${act} onEnd=${onEnd}>
    <p>What has not been delivered yet is not delivered any more. A new endpoint has another secret.</p><p>${of.url}</p></${Ask}>`;
}

/** `onSecret` is given the endpoint with its new secret, which is shown once. */
export function AskToRotate({ of, onSecret, onEnd }) {
  const act = async () => {
    const keep = /** @type {HTMLInputElement} */ (document.getElementById("keep-old")).checked;
    onSecret(await callApi(`${PATH}/${of.id}/rotate_secret`, { method: "POST", body: { keep_old_secret_active_for_24_hours: keep } }));
  };
  return html`<${Ask} title=${`New secret for ${of.name}?`} verb="Make a new secret" tone="danger" act=${act} onEnd=${onEnd}>
    <p>It is shown once. Your receiver has to know it before the old one is void.</p>
    <p><label class="check"><input id="keep-old" type="checkbox" defaultChecked=${true} />Sign with the old one as well for 24 hours</label></p></${Ask}>`;
}

export function AskToChange({ of, onEnd }) {
  const act = async () => {
    const given = formAround("change-hook");
    const body = { name: textOf(given, "name"), url: textOf(given, "url"), event_types: given.getAll("events") };
    await callApi(`${PATH}/${of.id}`, { method: "POST", body });
    say(`${body.name} is changed.`);
  };
  return html`<${Ask} title=${`Change ${of.name}`} verb="Change it" act=${act} onEnd=${onEnd}>
    <div class="fields" id="change-hook"><${Fields} prefix="change" of=${of} /></div></${Ask}>`;
}

/** Name, address and kinds of events of an endpoint, or of none yet. */
/** @param {{ prefix: string, of?: any }} properties */
export const Fields = ({ prefix, of = null }) => html`
  <div><label for=${`${prefix}-name`}>Name</label>
    <input id=${`${prefix}-name`} name="name" required defaultValue=${of?.name} placeholder="results" /></div>
  <div class="wide"><label for=${`${prefix}-url`}>Address</label>
    <input id=${`${prefix}-url`} name="url" type="url" required defaultValue=${of?.url} placeholder="an address of your own server" /></div>
  <fieldset class="wide"><legend>It is told of batches that are</legend>${EVENTS.map((each) => html`<label class="check">
    <input type="checkbox" name="events" value=${each} defaultChecked=${!of || of.event_types.includes(each)} />${words(each)}</label>`)}</fieldset>
  <label class="check wide"><input type="checkbox" name="events" value=${MONEY}
    defaultChecked=${Boolean(of?.event_types.includes(MONEY))} />and of spend alerts that are reached</label>`;
