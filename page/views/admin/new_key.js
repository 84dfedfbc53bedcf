// A new key, through a service account of its own. Its text is shown once: it is kept nowhere, and not by this page.

import { callApi } from "../../api.js";
import { html, useState } from "../../html.js";
import { Id, Problem } from "../../parts/small.js";

const SCOPES = [
  ["api.files.read", "read files"],
  ["api.files.write", "make files"],
  ["api.batches.read", "read batches"],
  ["api.batches.write", "make batches"],
  ["usage", "usage and costs"],
];
const DAYS = [["", "never"], ["7", "in 7 days"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"]];

export function NewKey({ path, models, onMade }) {
  const [made, setMade] = useState(null);
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const seconds = Number(given.get("days")) * 86400;
    const scopes = given.getAll("scopes");
    const body = {
      name: given.get("name").trim(),
      models: given.getAll("models"),
      ...(scopes.length === SCOPES.length ? {} : { scopes }),
      ...(seconds ? { expires_in_seconds: seconds } : {}),
    };
    setProblem(null);
    if (!scopes.length) return setProblem({ message: "Choose at least one thing that the key may do." });
    try {
      setMade((await callApi(`${path}/service_accounts`, { method: "POST", body })).api_key);
      form.reset();
      onMade();
    } catch (error) {
      setProblem(error);
    }
    return undefined;
  };
  return html`
    ${made && html`<${Secret} what="key" name=${made.name} value=${made.value} onSeen=${() => setMade(null)} />`}
    <form class="card new-key" onSubmit=${create} autocomplete="off" aria-labelledby="new-key"><h3 id="new-key">New key</h3>
      <div class="fields">
        <div><label for="key-name">Name</label><input id="key-name" name="name" required placeholder="nightly job" /></div>
        <div><label for="key-days">Expires</label><select id="key-days" name="days">${DAYS.map(([value, title]) => html`
          <option value=${value}>${title}</option>`)}</select></div>
        <fieldset class="wide"><legend>It may</legend>${SCOPES.map(([scope, title]) => html`<label class="check">
          <input type="checkbox" name="scopes" value=${scope} checked />${title}</label>`)}</fieldset>
        <fieldset class="wide"><legend>Only these models (none chosen: all of the project)</legend>${models.map((model) => html`
          <label class="check"><input type="checkbox" name="models" value=${model} />${model}</label>`)}</fieldset>
      </div>
      <${Problem} error=${problem} title="The key was not made." />
      <p class="buttons"><button class="main">Create the key</button></p>
    </form>`;
}

/** `what` is a key, or another text that the service tells once. */
export const Secret = ({ what, name, value, onSeen }) => html`<div class="secret" role="status">
  <p><strong>The ${what} of ${name}</strong></p>
  <p>Copy it now: it is shown this once, and nobody can show it again.</p>
  <p class="value"><code>${value}</code><${Id} id=${value} what=${what} isHidden=${true} /></p>
  <p><button onClick=${onSeen}>I have it</button></p>
</div>`;
