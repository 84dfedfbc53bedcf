// Where the service tells of batches that have ended: the endpoints of the project, a new one, what may be done with each.

import { callApi } from "../../api.js";
import { html, textOf, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem, When } from "../../parts/small.js";
import { may } from "../../session.js";
import { Secret } from "../admin/new_key.js";
import { AskToChange, AskToDelete, AskToRotate, Fields, PATH, sendTest, words } from "./changes.js";

const PAGE = 100;
const COLUMNS = ["Name", "Address", "Told of", "Secret", "Created"];
const QUESTIONS = { change: AskToChange, rotate: AskToRotate, delete: AskToDelete };

export function View() {
  const [asked, ask] = useState(null);
  const [secret, setSecret] = useState(null);
  const found = useLive((signal) => callApi(`${PATH}?limit=${PAGE}`, { signal }), () => 0, []);
  const endpoints = found.data?.data ?? [];
  const mayWrite = may("api.batches.write");
  const Question = asked && QUESTIONS[asked.what];
  return html`<h1 tabindex="-1">Webhooks</h1>
    <p class="under after-title">The service calls these addresses when a batch of your project has ended.</p>
    <${Problem} error=${found.error} title="The endpoints could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the endpoints …</p>`}
    ${found.data && !endpoints.length && html`<p class="muted">Nobody is told yet.</p>`}
    ${endpoints.length > 0 && html`<table class="rows" aria-label="Webhook endpoints">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}<td></td></tr></thead>
      <tbody>${endpoints.map((each) => html`<${Row} key=${each.id} of=${each} onAsk=${mayWrite && ((what) => ask({ what, of: each }))} />`)}</tbody>
    </table>`}
    ${asked && html`<${Question} of=${asked.of} onSecret=${setSecret} onEnd=${(done) => (ask(null), done && found.reload())} />`}
    ${secret && html`<${Secret} what="signing secret" name=${secret.name} value=${secret.signing_secret} onSeen=${() => setSecret(null)} />`}
    ${mayWrite && html`<${NewEndpoint} onMade=${(made) => (setSecret(made), found.reload())} />`}`;
}

const Row = ({ of, onAsk }) => html`<tr><th scope="row">${of.name}</th>
  <td data-of="Address">${of.url}</td>
  <td data-of="Told of">${of.event_types.map(words).join(", ")}</td>
  <td data-of="Secret"><code>${of.signing_secret_hint}</code></td>
  <td data-of="Created"><${When} at=${of.created_at} /></td>
  <td class="does">${onAsk && html`
    <button onClick=${() => sendTest(of)} aria-label=${`Send ${of.name} a test`}>Test</button>
    <button onClick=${() => onAsk("change")} aria-label=${`Change ${of.name} …`}>Change …</button>
    <button onClick=${() => onAsk("rotate")} aria-label=${`New secret for ${of.name} …`}>New secret …</button>
    <button class="danger" onClick=${() => onAsk("delete")} aria-label=${`Delete ${of.name} …`}>Delete …</button>`}</td></tr>`;

function NewEndpoint({ onMade }) {
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const body = { name: textOf(given, "name"), url: textOf(given, "url"), event_types: given.getAll("events") };
    try {
      onMade(await callApi(PATH, { method: "POST", body }));
      setProblem(null);
      form.reset();
    } catch (error) {
      setProblem(error);
    }
  };
  return html`
    <form class="card new-key" onSubmit=${create} autocomplete="off" aria-labelledby="new-endpoint">
      <h2 id="new-endpoint">New endpoint</h2>
      <div class="fields"><${Fields} prefix="hook" /></div>
      <${Problem} error=${problem} title="The endpoint was not made." />
      <p class="buttons"><button class="main">Create the endpoint</button></p>
    </form>`;
}
