// Other terms for a batch that has not ended: its priority, its completion window.

import { callApi } from "../api.js";
import { description } from "../batch_facts.js";
import { html, textIn } from "../html.js";
import { Ask } from "../parts/dialog.js";
import { When } from "../parts/small.js";
import { say } from "../parts/toasts.js";
import { signedIn } from "../session.js";

export function AskForTerms({ batch, onEnd }) {
  const priority = batch.priority ?? "normal";
  const priorities = [...new Set([...signedIn().priorities, priority])];
  const act = async () => {
    const given = (id, before) => {
      const value = textIn(id);
      return value === before ? null : value;
    };
    const body = { priority: given("terms-priority", priority), completion_window: given("terms-window", batch.completion_window) };
    if (!body.priority && !body.completion_window) return;
    await callApi(`/batches/${batch.id}`, { method: "POST", body });
    say("It is changed; the batch goes by it within seconds.");
  };
  return html`<${Ask} title=${`Change ${description(batch) || batch.id}`} verb="Change it" act=${act} onEnd=${onEnd}>
    <div class="fields">
      <div><label for="terms-priority">Priority in your project</label><select id="terms-priority">${priorities.map((each) => html`
        <option value=${each} selected=${each === priority}>${each}</option>`)}</select></div>
      <div><label for="terms-window">Completion window</label>
        <input id="terms-window" defaultValue=${batch.completion_window} required aria-describedby="terms-hint" />
        <p id="terms-hint" class="hint">It counts from the batch's creation, <${When} at=${batch.created_at} />.</p></div>
    </div></${Ask}>`;
}
