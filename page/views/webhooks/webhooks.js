// Where the service tells of batches that have ended: the endpoints of the project, a new one, and their end.

import { callApi } from "../../api.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Ask } from "../../parts/dialog.js";
import { Problem, When } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";
import { may } from "../../session.js";
import { Secret } from "../admin/new_key.js";

const PATH = "/webhook_endpoints";
const PAGE = 100;
const EVENTS = ["completed", "failed", "expired", "cancelled"];
const words = (type) => type.replace("batch.", "");

export function View() {
  const [gone, askFor] = useState(null);
  const found = useLive((signal) => callApi(`${PATH}?limit=${PAGE}`, { signal }), () => 0, []);
  const endpoints = found.data?.data ?? [];
  const mayWrite = may("api.batches.write");
  return html`<h1 tabindex="-1">Webhooks</h1>
    <p class="under after-title">The service calls these addresses when a batch of your project has ended.</p>
    <${Problem} error=${found.error} title="The endpoints could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the endpoints …</p>`}
    ${found.data && !endpoints.length && html`<p class="muted">Nobody is told yet.</p>`}
    ${endpoints.length > 0 && html`<table class="rows" aria-label="Webhook endpoints">
      <thead><tr>${["Name", "Address", "Told of", "Secret", "Created"].map((name) => html`<th scope="col">${name}</th>`)}<td></td></tr></thead>
      <tbody>${endpoints.map((each) => html`<${Row} key=${each.id} of=${each} onDelete=${mayWrite && (() => askFor(each))} />`)}</tbody>
    </table>`}
    ${gone && html`<${AskToDelete} of=${gone} onEnd=${(done) => (askFor(null), done && found.reload())} />`}
    ${mayWrite && html`<${NewEndpoint} onMade=${found.reload} />`}`;
}

const Row = ({ of, onDelete }) => html`<tr><th scope="row">${of.name}</th>
  <td data-of="Address">${of.url}</td>
  <td data-of="Told of">${of.event_types.map(words).join(", ")}</td>
  <td data-of="Secret"><code>${of.signing_secret_hint}</code></td>
  <td data-of="Created"><${When} at=${of.created_at} /></td>
  <td class="does">${onDelete && html`<button class="danger" onClick=${onDelete} aria-label=${`Delete ${of.name} …`}>Delete …</button>`}</td></tr>`;

function AskToDelete({ of, onEnd }) {
  const act = async () => {
    await callApi(`${PATH}/${of.id}`, { method: "DELETE" });
    say(`${of.name} is told nothing any more.`);
  };
  return html`<${Ask} title=${`Delete ${of.name}?`} verb="Delete the endpoint" tone="danger" act=${act} onEnd=${onEnd}>
    <p>What has not been delivered yet is not delivered any more. A new endpoint has another secret.</p><p>${of.url}</p></${Ask}>`;
}

function NewEndpoint({ onMade }) {
  const [made, setMade] = useState(null);
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const body = { name: given.get("name").trim(), url: given.get("url").trim(), event_types: given.getAll("events") };
    try {
      setMade(await callApi(PATH, { method: "POST", body }));
      setProblem(null);
      form.reset();
      onMade();
    } catch (error) {
      setProblem(error);
    }
  };
  return html`
    ${made && html`<${Secret} what="signing secret" name=${made.name} value=${made.signing_secret} onSeen=${() => setMade(null)} />`}
    <form class="card new-key" onSubmit=${create} autocomplete="off" aria-labelledby="new-endpoint">
      <h2 id="new-endpoint">New endpoint</h2>
      <div class="fields">
        <div><label for="hook-name">Name</label><input id="hook-name" name="name" required placeholder="results" /></div>
        <div class="wide"><label for="hook-url">Address</label>
          <input id="hook-url" name="url" type="url" required placeholder="an address of your own server" /></div>
        <fieldset class="wide"><legend>It is told of batches that are</legend>${EVENTS.map((each) => html`<label class="check">
          <input type="checkbox" name="events" value=${`batch.${each}`} checked />${each}</label>`)}</fieldset>
      </div>
      <${Problem} error=${problem} title="The endpoint was not made." />
      <p class="buttons"><button class="main">Create the endpoint</button></p>
    </form>`;
}
