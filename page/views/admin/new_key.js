// A new key, through a service account of its own. Its text is shown once: it is kept nowhere, and not by this page.

import { callApi } from "../../api.js";
import { html, textOf, useState } from "../../html.js";
import { Id, Problem } from "../../parts/small.js";
import { KeyFields, readKey } from "./key_fields.js";

export const DAYS = [["", "never"], ["7", "in 7 days"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"]];

export function NewKey({ path, models, onMade }) {
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const seconds = Number(given.get("days")) * 86400;
    try {
      const { spend_limit, ...may } = readKey(given);
      const body = {
        name: textOf(given, "name"),
        ...may,
        ...(spend_limit.currency ? { spend_limit } : {}),
        ...(seconds ? { expires_in_seconds: seconds } : {}),
      };
      onMade((await callApi(`${path}/service_accounts`, { method: "POST", body })).api_key);
      setProblem(null);
      form.reset();
    } catch (error) {
      setProblem(error);
    }
  };
  return html`
    <form class="card new-key" onSubmit=${create} autocomplete="off" aria-labelledby="new-key"><h3 id="new-key">New key</h3>
      <div class="fields">
        <div><label for="key-name">Name</label><input id="key-name" name="name" required placeholder="nightly job" /></div>
        <div><label for="key-days">Expires</label><select id="key-days" name="days">${DAYS.map(([value, title]) => html`
          <option value=${value}>${title}</option>`)}</select></div>
        <${KeyFields} prefix="key" models=${models} />
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
