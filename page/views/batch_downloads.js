// The files of a batch: what there is, how large, as it is or as a table.

import { callApi } from "../api.js";
import { isActive } from "../batch_facts.js";
import { saveFile, saveTable } from "../download.js";
import { bytes, count } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { Id } from "../parts/small.js";
import { say } from "../parts/toasts.js";

const MOST_TABLE_BYTES = 300e6;

export function Downloads({ batch }) {
  const { completed, failed } = batch.request_counts;
  const files = [
    { name: "Input", id: batch.input_file_id, holds: "" },
    { name: "Answers", id: batch.output_file_id, holds: `${count(completed)} lines` },
    { name: "Errors", id: batch.error_file_id, holds: `${count(batch.request_counts.total - completed)} lines` },
  ].filter((file) => file.id);
  const sizes = useSizes(files.map((file) => file.id));
  const all = files.reduce((sum, file) => sum + (sizes.get(file.id)?.bytes ?? 0), 0);
  const hasResults = batch.output_file_id || batch.error_file_id;
  const table = () => saveTable(batch).catch((error) => say(error.message, "bad"));
  return html`<div class="files">
    ${files.map((file) => html`<${File} key=${file.id} ...${file} file=${sizes.get(file.id)} />`)}
    ${hasResults && all < MOST_TABLE_BYTES && html`<button onClick=${table}>Results as a table (CSV)</button>`}
    ${!hasResults && isActive(batch) && html`<p class="muted">The result files are there when the batch has ended. What has been answered is below.</p>`}
    ${!hasResults && !isActive(batch) && failed + completed === 0 && html`<p class="muted">Nothing ran, so there are no result files.</p>`}
  </div>`;
}

function File({ name, id, holds, file }) {
  const gone = file === null;
  const save = () => saveFile(id, file?.filename ?? `${id}.jsonl`).catch((error) => say(error.message, "bad"));
  const details = [file && bytes(file.bytes), holds].filter(Boolean).join(", ");
  return html`<div class="file">
    ${gone ? html`<span>${name}: deleted or expired</span>`
      : html`<button onClick=${save} aria-label=${`Download ${name}`}>${name} (JSONL)</button><small>${details}</small>`}
    <${Id} id=${id} what=${`id of the ${name.toLowerCase()} file`} />
  </div>`;
}

/** The files by id; null for one that is gone. */
function useSizes(ids) {
  const [sizes, setSizes] = useState(new Map());
  useEffect(() => {
    let isCurrent = true;
    const look = async (id) => [id, await callApi(`/files/${id}`).catch((error) => (error.status === 404 ? null : undefined))];
    Promise.all(ids.map(look)).then((found) => isCurrent && setSizes(new Map(found)));
    return () => (isCurrent = false);
  }, [ids.join()]);
  return sizes;
}
