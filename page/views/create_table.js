// A table becomes requests: a template with its columns, a model, and what the first rows come to.

import { count, plural } from "../format.js";
import { html, useState } from "../html.js";
import { questionOf } from "../result_lines.js";
import { TABLE_ENDPOINTS, requestOf, requestsFile, unknownNames } from "../table_requests.js";

const PREVIEWED = 3;

export function TablePlan({ rows: [columns, ...rows], name, caller, onReady }) {
  const names = columns.map((column) => column.trim());
  const [values, setValues] = useState({
    template: names.length === 1 ? `{{${names[0]}}}` : names.map((each) => `${each}: {{${each}}}`).join("\n"),
    system: "",
    model: caller.models[0] ?? "",
    endpoint: TABLE_ENDPOINTS[0],
    idColumn: "",
  });
  const set = (key) => (event) => setValues({ ...values, [key]: event.target.value });
  const plan = { columns: names, ...values };
  const unknown = unknownNames(values.template + values.system, names);
  const repeated = values.idColumn ? repeats(rows.map((cells) => cells[names.indexOf(values.idColumn)])) : "";
  const isReady = values.model && values.template.trim() && !unknown.length && !repeated;
  const ready = () => onReady(requestsFile(rows, plan), name, { endpoint: values.endpoint });
  const add = (column) => setValues({ ...values, template: `${values.template}{{${column}}}` });
  return html`<div class="fields table-plan">
    <p class="wide">${plural(rows.length, "row")}. Put a column into the prompt:
      ${names.map((column) => html` <button type="button" class="plain chip" onClick=${() => add(column)}>${column}</button>`)}</p>
    <div class="wide"><label for="template">Prompt of each row</label>
      <textarea id="template" rows="4" value=${values.template} onInput=${set("template")} aria-describedby="template-hint"></textarea>
      <p id="template-hint" class=${unknown.length ? "wrong" : "hint"}>
        ${unknown.length ? `There is no column ${unknown.join(", ")}.` : "{{column}} becomes the row's cell."}</p></div>
    <div class="wide"><label for="system">Instructions for all rows</label>
      <input id="system" value=${values.system} onInput=${set("system")} placeholder="Answer with one word." /></div>
    <${Pick} id="model" label="Model" value=${values.model} choices=${caller.models} onChange=${set("model")} />
    <${Pick} id="kind" label="Endpoint of the rows" value=${values.endpoint} choices=${TABLE_ENDPOINTS} onChange=${set("endpoint")} />
    <${Pick} id="ids" label="Rows are called by" value=${values.idColumn} choices=${["", ...names]} onChange=${set("idColumn")}
      title=${(each) => each || "their number"} />
    ${repeated && html`<p class="wide wrong" role="alert">"${repeated}" stands in more than one row: choose a column without repeats.</p>`}
    <div class="wide"><p class="label">The first rows</p>
      <ol class="preview">${rows.slice(0, PREVIEWED).map((cells, index) => {
        const request = requestOf(cells, index + 1, plan);
        return html`<li><code>${request.custom_id}</code><pre tabindex="0" aria-label=${`Request ${index + 1}`}>${questionOf(request)}</pre></li>`;
      })}</ol></div>
    <p class="wide buttons"><button type="button" class="main" disabled=${!isReady} onClick=${ready}>
      Upload ${count(rows.length)} requests</button></p>
  </div>`;
}

function repeats(values) {
  const seen = new Set();
  for (const value of values) {
    if (value && seen.has(value)) return value;
    seen.add(value);
  }
  return "";
}

const Pick = ({ id, label, value, choices, onChange, title = (each) => each }) => html`<div><label for=${id}>${label}</label>
  <select id=${id} value=${value} onChange=${onChange}>
    ${choices.map((each) => html`<option value=${each} selected=${each === value}>${title(each)}</option>`)}
  </select></div>`;
