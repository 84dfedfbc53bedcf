// Where the requests come from: a file from the person's disk, dropped or chosen, what is pasted, or a file at the service.

import { callApi } from "../api.js";
import { lookAt } from "../check_lines.js";
import { readCsv } from "../csv.js";
import { bytes, plural } from "../format.js";
import { html, useEffect, useState } from "../html.js";
import { Problem } from "../parts/small.js";
import { pastedFile } from "../pasted.js";
import { Sending } from "./create_sending.js";
import { TablePlan } from "./create_table.js";

export function Source({ caller, onFound }) {
  const [file, setFile] = useState(null);
  const [looked, setLooked] = useState(null);
  const [sending, setSending] = useState(null);
  const isTable = file && /\.(csv|tsv|txt)$/i.test(file.name);

  const startOver = () => {
    setFile(null);
    setLooked(null);
  };
  const take = async (taken) => {
    if (!taken) return;
    setSending(null);
    setLooked(null);
    setFile(taken);
    if (!/\.(csv|tsv|txt)$/i.test(taken.name)) setLooked(await lookAt(taken, caller.models));
  };
  const send = (blob, name, facts) => setSending({ blob, name, facts: { name: name.replace(/\.\w+$/, ""), ...facts } });
  if (sending) {
    return html`<${Sending} ...${sending} onDone=${(id) => onFound(id, sending.facts)} onCancel=${() => setSending(null)} />`;
  }
  return html`
    <${Drop} file=${file} onTake=${take} />
    ${isTable && html`<${Table} file=${file} caller=${caller} onReady=${send} />`}
    ${file && !isTable && html`<${Looked} file=${file} looked=${looked} onSend=${() => send(file, file.name, { endpoint: looked.endpoint })} />`}
    ${file ? html`<p class="start-over"><button type="button" class="plain" onClick=${startOver}>Begin with something else</button></p>`
      : html`<${Paste} onTake=${(text) => take(pastedFile(text, caller.models))} /><${Attach} onFound=${onFound} />`}
  `;
}

/** A file input that is a place to drop on, too. */
function Drop({ file, onTake }) {
  const [isOver, setOver] = useState(false);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    onTake(event.dataTransfer.files[0]);
  };
  const over = (event) => {
    event.preventDefault();
    setOver(true);
  };
  return html`<div class=${`drop ${isOver ? "over" : ""}`} onDragOver=${over} onDragLeave=${() => setOver(false)} onDrop=${drop}>
    <label for="file">${file ? "Another file" : "Drop a file here, or browse"}</label>
    <input id="file" type="file" accept=".jsonl,.ndjson,.json,.csv,.tsv,.txt" onChange=${(event) => onTake(event.target.files[0])}
      aria-describedby="file-hint" />
    <p id="file-hint" class="hint">JSONL with one request a line; or CSV, whose rows become requests.</p>
    <p class="dropped" role="status">${isOver ? "Let go to take the file." : file ? `${file.name}, ${bytes(file.size)}` : ""}</p>
  </div>`;
}

/** Prompts or requests that somebody has in another window. */
function Paste({ onTake }) {
  const [text, setText] = useState("");
  return html`<div class="attach"><label for="paste">Or paste prompts or requests here</label>
    <textarea id="paste" rows="3" value=${text} onInput=${(event) => setText(event.target.value)} spellcheck=${false}
      placeholder="Why is the sky blue?" aria-describedby="paste-hint"></textarea>
    <p id="paste-hint" class="hint">One prompt a line, or requests as JSON Lines or a JSON array.</p>
    ${text.trim() && html`<p class="row"><button type="button" onClick=${() => onTake(text)}>Take these</button></p>`}</div>`;
}

function Looked({ file, looked, onSend }) {
  if (!looked) return null;
  const { problems, lines, isWhole } = looked;
  const what = isWhole ? `All ${plural(lines, "line")} look right.` : `The first ${plural(lines, "line")} look right.`;
  return html`
    ${problems.length ? html`<div class="problem" role="alert"><p><strong>Something is wrong near the beginning.</strong></p>
        <ul class="lines">${problems.map((each) => html`<li><strong>Line ${each.line}</strong> ${each.text}</li>`)}</ul></div>`
      : html`<p class="fine" role="status">${lines === 1 ? "Its line looks right." : what}</p>`}
    <p class="buttons"><button type="button" class=${problems.length ? "" : "main"} onClick=${onSend}>
      ${problems.length ? "Upload it all the same" : `Upload ${file.name}`}</button></p>
  `;
}

function Table({ file, caller, onReady }) {
  const [rows, setRows] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    setRows(null);
    const isText = /\.txt$/i.test(file.name);
    const read = (text) => setRows(isText ? [["text"], ...text.split(/\r?\n/).filter((line) => line.trim()).map((line) => [line])] : readCsv(text));
    file.text().then(read, () => setError(new Error("The file could not be read. Choose it again.")));
  }, [file]);
  if (error) return html`<${Problem} error=${error} />`;
  if (!rows) return html`<p class="muted" role="status">Reading the table …</p>`;
  if (rows.length < 2) return html`<${Problem} error=${new Error("It has no row below its line of headings.")} />`;
  return html`<${TablePlan} rows=${rows} name=${file.name} caller=${caller} onReady=${onReady} />`;
}

/** A file that is at the service already. */
function Attach({ onFound }) {
  const [id, setId] = useState("");
  const [files, setFiles] = useState([]);
  useEffect(() => {
    callApi("/files?purpose=batch&limit=100").then((list) => setFiles(list.data), () => {});
  }, []);
  const attach = () => id.trim() && onFound(id.trim());
  const press = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    attach();
  };
  return html`<div class="attach"><label for="attach">Or a file that is here already, by its id</label>
    <div class="row"><input id="attach" list="known-files" value=${id} placeholder="file-…" spellcheck=${false}
      onInput=${(event) => setId(event.target.value)} onKeyDown=${press} />
    <button type="button" onClick=${attach}>Attach</button></div>
    <datalist id="known-files">${files.map((file) => html`<option value=${file.id}>${file.filename}</option>`)}</datalist></div>`;
}
