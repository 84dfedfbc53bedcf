// What may be done with a batch: cancel, pause, resume, change, retry what failed, delete. What ends something asks first.

import { callApi } from "../api.js";
import { description, isActive, remaining } from "../batch_facts.js";
import { plural } from "../format.js";
import { html, useState } from "../html.js";
import { Ask } from "../parts/dialog.js";
import { say } from "../parts/toasts.js";
import { may } from "../session.js";
import { AskToDelete } from "./batch_delete.js";
import { retryBatch } from "./batch_retry.js";
import { AskForTerms } from "./batch_terms.js";

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
  const isOpen = batch.status === "validating" || batch.status === "in_progress";
  const hasFailed = !isActive(batch) && (batch.request_counts.failed > 0 || batch.status !== "completed");
  return html`<div class="actions">
    ${isOpen && !batch.paused_at && html`<button onClick=${() => act("pause", "It pauses: what is in flight ends first.")}>Pause</button>`}
    ${isOpen && batch.paused_at && html`<button onClick=${() => act("resume", "It goes on within seconds.")}>Resume</button>`}
    ${isOpen && html`<button onClick=${() => ask("terms")}>Change …</button>`}
    ${isOpen && html`<button class="danger" onClick=${() => ask("cancel")}>Cancel …</button>`}
    ${hasFailed && html`<button onClick=${() => retryBatch(batch)}>Retry failed</button>`}
    ${!isActive(batch) && html`<button class="danger" onClick=${() => ask("delete")}>Delete …</button>`}
    ${asked === "cancel" && html`<${AskToCancel} batch=${batch} post=${post} onEnd=${() => (ask(""), onDone())} />`}
    ${asked === "terms" && html`<${AskForTerms} batch=${batch} onEnd=${(done) => (ask(""), done && onDone())} />`}
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
