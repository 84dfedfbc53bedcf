// Which models a project may use, and how many tokens of unfinished batches it may have at each.

import { callApi } from "../../api.js";
import { count } from "../../format.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { useAct } from "../../parts/act.js";
import { Problem } from "../../parts/small.js";
import { listAll } from "../usage/names.js";

const NONE = 404;
const ENQUEUED = "batch_1_day_max_input_tokens";
const MODES = [["", "All models, also later ones"], ["allow_list", "Only those that are ticked"], ["deny_list", "All but those that are ticked"]];

export function ProjectModels({ project, path, isOpen }) {
  const found = useLive((signal) => read(project, path, signal), () => 0, [path]);
  return html`<section aria-labelledby="models"><h2 id="models">Models</h2>
    <${Problem} error=${found.error} title="The models could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the models …</p>`}
    ${found.data && html`<${Form} key=${JSON.stringify(found.data)} path=${path} found=${found.data} isOpen=${isOpen} onDone=${found.reload} />`}
  </section>`;
}

/** A project without permissions is answered 404. */
async function read(project, path, signal) {
  const permissions = callApi(`${path}/model_permissions`, { signal }).catch((error) => {
    if (error.status === NONE) return { mode: "", model_ids: [] };
    throw error;
  });
  const [limits, models] = await Promise.all([listAll(`projects/${project.id}/rate_limits`, {}, signal), callApi("/models", { signal })]);
  const shared = Object.fromEntries(models.data.map((model) => [model.id, model.limits.enqueued_tokens]));
  return { permissions: await permissions, limits, shared };
}

function Form({ path, found, isOpen, onDone }) {
  const { problem, act } = useAct(onDone);
  const { permissions, limits, shared } = found;
  const [mode, setMode] = useState(permissions.mode);
  const save = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    act(() => saveAll(path, found, given), "It holds for batches from now on.");
  };
  const names = [...limits.map((limit) => limit.model), ...permissions.model_ids.filter((id) => !limits.some((limit) => limit.model === id))];
  return html`<form class="card" onSubmit=${save}>
    <div class="fields"><div><label for="mode">It may use</label><select id="mode" name="mode" onChange=${(event) => setMode(event.target.value)}>
      ${MODES.map(([value, title]) => html`<option value=${value} selected=${value === mode}>${title}</option>`)}</select></div></div>
    <table class="rows plain" aria-label="Models of the project"><thead><tr><th scope="col">Model</th><th scope="col">Enqueued tokens at most</th></tr></thead>
      <tbody>${names.map((model) => html`<tr key=${model}><th scope="row">${mode ? html`<label class="check">
          <input type="checkbox" name="models" value=${model} defaultChecked=${permissions.model_ids.includes(model)} />${model}</label>` : model}</th>
        <td>${model in shared && html`<input type="number" min="0" name=${`most ${model}`} aria-label=${`Enqueued tokens of ${model} at most`}
          defaultValue=${ownLimit(found, model) ?? ""}
          placeholder=${shared[model] == null ? "no limit" : `the model's: ${count(shared[model])}`} />`}</td></tr>`)}</tbody></table>
    <${Problem} error=${problem} title="It was not changed." />
    ${isOpen && html`<p class="buttons"><button>Save</button></p>`}</form>`;
}

/** What is the model's own limit, which all projects share, is not this one's. */
function ownLimit({ limits, shared }, model) {
  const most = limits.find((limit) => limit.model === model)?.[ENQUEUED] ?? null;
  return most === shared[model] ? null : most;
}

/** Only what is different is sent. */
async function saveAll(path, found, given) {
  const { permissions, limits } = found;
  const mode = given.get("mode");
  const model_ids = given.getAll("models");
  if (mode !== permissions.mode || model_ids.join("\n") !== permissions.model_ids.join("\n")) {
    if (mode) await callApi(`${path}/model_permissions`, { method: "POST", body: { mode, model_ids } });
    else if (permissions.mode) await callApi(`${path}/model_permissions`, { method: "DELETE" });
  }
  for (const { id, model } of limits) {
    const typed = given.get(`most ${model}`);
    const most = typed === "" ? null : Number(typed);
    if (most !== ownLimit(found, model)) await callApi(`${path}/rate_limits/${encodeURIComponent(id)}`, { method: "POST", body: { [ENQUEUED]: most } });
  }
}
