// The end of a batch's record, and of as many of its files as is wished; or of every trace of it.

import { callApi } from "../api.js";
import { description } from "../batch_facts.js";
import { html } from "../html.js";
import { Ask } from "../parts/dialog.js";
import { say } from "../parts/toasts.js";
import { goTo } from "../route.js";
import { may } from "../session.js";

const CHOICES = [
  ["files=results", "The record and the results", "Its input file stays."],
  ["files=none", "The record alone", "Its input file and its results stay, until they expire."],
  ["files=all", "The record and all files", "The requests go as well: keep a copy if you may need them."],
  ["erase=true", "Every trace", "All files, and at once whatever else holds a word of it. Nobody can bring anything back or look up later what was asked."],
];

export function AskToDelete({ batch, onEnd }) {
  const name = description(batch) || batch.id;
  const choices = may("api.files.write") ? CHOICES : CHOICES.filter(([value]) => value === "files=none");
  const act = async () => {
    const chosen = /** @type {HTMLInputElement} */ (document.querySelector("input[name=goes]:checked")).value;
    await callApi(`/batches/${batch.id}?${chosen}`, { method: "DELETE" });
    say(`${name} is gone.`);
    goTo(["batches"]);
  };
  return html`<${Ask} title=${`Delete ${name}?`} verb="Delete it" tone="danger" act=${act} onEnd=${onEnd}>
    <p>For good. What it used and cost stays in reports, in any case.</p>
    <fieldset class="options"><legend>What goes</legend>${choices.map(([value, title, what], index) => html`<label class="check">
      <input type="radio" name="goes" value=${value} defaultChecked=${index === 0} />
      <span>${title}<small>${what}</small></span></label>`)}</fieldset>
    <p><code>${batch.id}</code></p>
  </${Ask}>`;
}
