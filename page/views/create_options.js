// What is to be done with the file: endpoint, window, name, metadata, how long results stay, what comes first, who is told.

import { html } from "../html.js";
import { readPairs } from "../pairs.js";
import { Callback } from "./create_callback.js";

const ENDPOINTS = [
  "/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings", "/v1/moderations",
  "/v1/images/generations", "/v1/images/edits", "/v1/videos",
];
const ORDERS = [["", "as prompt caches like it"], ["file", "as in the file"]];
const DAYS = [["", "until somebody deletes them"], ["1", "a day"], ["7", "7 days"], ["30", "30 days"]];

/** The body of the create call. */
export function bodyOf(fileId, options) {
  const metadata = readPairs(options.metadata);
  if (options.description) metadata.description = options.description;
  const seconds = Number(options.expiry) * 86400;
  return {
    input_file_id: fileId,
    endpoint: options.endpoint,
    completion_window: options.window.trim() || "24h",
    ...(Object.keys(metadata).length ? { metadata } : {}),
    ...(seconds ? { output_expires_after: { anchor: "created_at", seconds } } : {}),
    ...(options.priority === "normal" ? {} : { priority: options.priority }),
    ...(options.order ? { leaders_first: false } : {}),
    ...(options.callback ? { callback_url: options.callback } : {}),
    ...(options.callback && options.secret ? { callback_secret: options.secret } : {}),
  };
}

/** The window stays as it is typed while the service still reads the file; it counts once the field is left. */
export function Options({ options, priorities, onChange }) {
  const set = (name) => (event) => onChange({ [name]: event.target.value });
  const select = (name, choices) => html`<select id=${`new-${name}`} value=${options[name]} onChange=${set(name)}>
    ${choices.map(([value, title]) => html`<option value=${value} selected=${value === options[name]}>${title}</option>`)}
  </select>`;
  return html`<div class="fields">
    <div class="wide"><label for="new-description">Name</label>
      <input id="new-description" value=${options.description} onInput=${set("description")} placeholder="What it is about" /></div>
    <div><label for="new-endpoint">Endpoint</label>${select("endpoint", ENDPOINTS.map((each) => [each, each]))}</div>
    <div><label for="new-window">Completion window</label>
      <input id="new-window" defaultValue=${options.window} onChange=${set("window")} aria-describedby="window-hint" />
      <p id="window-hint" class="hint">What is not done by then expires.</p></div>
    <div><label for="new-expiry">Results stay</label>${select("expiry", DAYS)}</div>
    ${priorities.length > 1 && html`<div><label for="new-priority">Priority in your project</label>
      ${select("priority", priorities.map((each) => [each, each]))}</div>`}
    <div><label for="new-order">Order of sending</label>${select("order", ORDERS)}</div>
    <div class="wide"><label for="new-metadata">Metadata</label>
      <textarea id="new-metadata" rows="2" value=${options.metadata} onInput=${set("metadata")} placeholder="team=red"
        aria-describedby="metadata-hint"></textarea>
      <p id="metadata-hint" class="hint">One key=value a line; the list of batches can be filtered by them.</p></div>
    <${Callback} url=${options.callback} secret=${options.secret} onChange=${onChange} />
  </div>`;
}
