// The files of the project: size, expiry, what uses them; download, delete, and a new batch of them.

import { callApi, query } from "../api.js";
import { description } from "../batch_facts.js";
import { saveFile } from "../download.js";
import { bytes, plural, shortened } from "../format.js";
import { html, useState } from "../html.js";
import { useLive } from "../live.js";
import { Ask } from "../parts/dialog.js";
import { Id, Problem, When } from "../parts/small.js";
import { Snippet } from "../parts/snippet.js";
import { say } from "../parts/toasts.js";
import { goTo, hrefOf } from "../route.js";
import { may } from "../session.js";

const PAGE = 100;
const COLUMNS = ["Name", "Size", "Created", "Expires", "Used by", ""];
const PURPOSES = [["", "all"], ["batch", "input"], ["batch_output", "results"]];
const ROLES = [["input_file_id", "input"], ["output_file_id", "answers"], ["error_file_id", "errors"]];
const CODES = {
  curl: '"URL/files?limit=100"',
  python: "for file in client.files.list(limit=100):\n    print(file.id, file.filename, file.bytes)",
  node: "for await (const file of client.files.list({ limit: 100 })) console.log(file.id, file.filename);",
};

export function View({ route }) {
  const purpose = route.search.get("purpose") ?? "";
  const [cursors, setCursors] = useState([]);
  const [doomed, setDoomed] = useState(null);
  const after = cursors.at(-1) ?? "";
  const found = useLive((signal) => load({ purpose, after }, signal), () => 0, [purpose, after]);
  const files = found.data?.files ?? [];
  const usesOf = (file) => found.data?.uses.get(file.id) ?? [];
  const narrow = (event) => {
    setCursors([]);
    goTo(["files"], { purpose: event.target.value }, true);
  };
  const end = (isDone) => {
    setDoomed(null);
    if (isDone) found.reload();
  };
  return html`
    <h1 tabindex="-1">Files</h1>
    <div class="filters under-title"><label>Which<select value=${purpose} onChange=${narrow}>
      ${PURPOSES.map(([value, title]) => html`<option value=${value} selected=${value === purpose}>${title}</option>`)}</select></label></div>
    <${Problem} error=${found.error} title="The files could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the files …</p>`}
    ${found.data && !files.length && html`<div class="empty"><h2>No files</h2><p>Files that you upload, and the results of batches, are here.</p></div>`}
    ${files.length > 0 && html`<table class="list files-list" aria-label="Files">
      <thead><tr>${COLUMNS.map((name) => html`<th scope="col">${name || html`<span class="unseen">Actions</span>`}</th>`)}</tr></thead>
      <tbody>${files.map((file) => html`<${Row} key=${file.id} file=${file} uses=${usesOf(file)}
        onDelete=${() => setDoomed(file)} />`)}</tbody>
    </table>`}
    ${found.data && html`<nav class="pages" aria-label="Pages">
      <button disabled=${!cursors.length} onClick=${() => setCursors(cursors.slice(0, -1))}>Back</button>
      <span role="status">${plural(files.length, "file")} on page ${cursors.length + 1}</span>
      <button disabled=${!found.data.next} onClick=${() => setCursors([...cursors, found.data?.next])}>Next</button></nav>`}
    ${doomed && html`<${AskToDelete} file=${doomed} uses=${usesOf(doomed)} onEnd=${end} />`}
    <${Snippet} codes=${CODES} />
  `;
}

/** A page of files, and which of the newest hundred batches use them. */
async function load(asked, signal) {
  const noBatches = () => ({ data: [] });
  const [list, batches] = await Promise.all([
    callApi(`/files${query({ limit: PAGE, ...asked })}`, { signal }),
    may("api.batches.read") ? callApi(`/batches?limit=${PAGE}`, { signal }).catch(noBatches) : noBatches(),
  ]);
  const uses = new Map();
  for (const batch of batches.data) {
    for (const [key, role] of ROLES) {
      if (batch[key]) uses.set(batch[key], [...(uses.get(batch[key]) ?? []), { batch, role }]);
    }
  }
  return { files: list.data, uses, next: list.has_more ? list.last_id : null };
}

function Row({ file, uses, onDelete }) {
  const save = () => saveFile(file.id, file.filename).catch((error) => say(error.message, "bad"));
  const isInput = file.purpose === "batch";
  return html`<tr>
    <td class="what"><strong>${file.filename}</strong> <${Id} id=${file.id} what="file id" /></td>
    <td class="number">${bytes(file.bytes)}</td>
    <td class="when"><${When} at=${file.created_at} /></td>
    <td class="when">${file.expires_at ? html`<${When} at=${file.expires_at} isRelative=${true} />` : html`<span class="none">never</span>`}</td>
    <td>${uses.map(({ batch, role }) => html`<a class="use" href=${hrefOf("batches", batch.id)}>
      ${role} of ${description(batch) || shortened(batch.id)}</a>`)}</td>
    <td class="does"><button onClick=${save} aria-label=${`Download ${file.filename}`}>Download</button>
      ${isInput && may("api.batches.write") && html`<a class="button" href=${`${hrefOf("create")}?file=${file.id}`}
        aria-label=${`New batch of ${file.filename}`}>New batch</a>`}
      ${may("api.files.write") && html`<button class="danger" onClick=${onDelete}
        aria-label=${`Delete ${file.filename}`}>Delete …</button>`}</td>
  </tr>`;
}

function AskToDelete({ file, uses, onEnd }) {
  const act = async () => {
    await callApi(`/files/${file.id}`, { method: "DELETE" });
    say(`${file.filename} is gone.`);
  };
  return html`<${Ask} title=${`Delete ${file.filename}?`} verb="Delete it" tone="danger" act=${act} onEnd=${onEnd}>
    <p>${bytes(file.bytes)} are removed, for good.</p>
    ${uses.length > 0 && html`<p>It is ${uses.map(({ batch, role }) => `${role} of ${description(batch) || batch.id}`).join(" and ")}.
      A batch that has begun goes on.</p>`}
    <p><code>${file.id}</code></p>
  </${Ask}>`;
}
