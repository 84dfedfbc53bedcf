// What may be done with a batch: cancel, pause, resume, retry what failed, delete. What ends something asks first.

import { callApi } from "../api.js";
import { description, isActive, remaining } from "../batch_facts.js";
import { plural } from "../format.js";
import { html, useState } from "../html.js";
import { Ask } from "../parts/dialog.js";
import { say } from "../parts/toasts.js";
import { goTo } from "../route.js";
import { may } from "../session.js";

export function Actions({ batch, onDone }) {
  const [asked, ask] = useState("");
  if (!may("api.batches.write")) return null;
  const post = (verb) => callApi(`/batches/${batch.id}/${verb}`, { method: "POST" });
  const act = async (verb, done) => {
    try {
      await post(verb);
      say(done);
    } catch (error) {
      say(error.message, "bad");
    }
    onDone();
  };
  const retry = async () => {
    try {
      const made = await post("retry");
      say("A new batch has what failed.");
      goTo(["batches", made.id]);
    } catch (error) {
      say(error.message, "bad");
    }
  };
  const isOpen = batch.status === "validating" || batch.status === "in_progress";
  const hasFailed = !isActive(batch) && (batch.request_counts.failed > 0 || batch.status !== "completed");
  return html`<div class="actions">
    ${isOpen && !batch.paused_at && html`<button onClick=${() => act("pause", "It pauses: what is in flight ends first.")}>Pause</button>`}
    ${isOpen && batch.paused_at && html`<button onClick=${() => act("resume", "It goes on within seconds.")}>Resume</button>`}
    ${isOpen && html`<button class="danger" onClick=${() => ask("cancel")}>Cancel …</button>`}
    ${hasFailed && html`<button onClick=${retry}>Retry failed</button>`}
    ${!isActive(batch) && html`<button class="danger" onClick=${() => ask("delete")}>Delete …</button>`}
    ${asked === "cancel" && html`<${AskToCancel} batch=${batch} post=${post} onEnd=${() => (ask(""), onDone())} />`}
    ${asked === "delete" && html`<${AskToDelete} batch=${batch} onEnd=${() => ask("")} />`}
  </div>`;
}

const nameOf = (batch) => description(batch) || batch.id;

function AskToCancel({ batch, post, onEnd }) {
  const act = async () => {
    await post("cancel");
    say(`${nameOf(batch)} is being cancelled.`);
  };
  return html`<${Ask} title=${`Cancel ${nameOf(batch)}?`} verb="Cancel the batch" tone="danger" act=${act} onEnd=${onEnd}>
    <p>${plural(remaining(batch), "request")} will not be sent. What has been answered is kept, and can be downloaded.
      A cancelled batch cannot go on; what did not run can be retried as a new one.</p>
    <p><code>${batch.id}</code></p>
  </${Ask}>`;
}

function AskToDelete({ batch, onEnd }) {
  const act = async () => {
    await callApi(`/batches/${batch.id}?files=results`, { method: "DELETE" });
    say(`${nameOf(batch)} is gone.`);
    goTo(["batches"]);
  };
  return html`<${Ask} title=${`Delete ${nameOf(batch)}?`} verb="Delete it" tone="danger" act=${act} onEnd=${onEnd}>
    <p>Its record and its two result files are removed, for good. Its input file stays. What it cost stays in reports.</p>
    <p><code>${batch.id}</code></p>
  </${Ask}>`;
}
