// What a project has beside others, and how much of everything it may have at once.

import { callApi } from "../../api.js";
import { html } from "../../html.js";
import { useAct } from "../../parts/act.js";
import { Problem } from "../../parts/small.js";
import { readPairs, writePairs } from "../../pairs.js";

const LIMITS = [
  ["active_batches", "Open batches"],
  ["requests_per_file", "Requests of a file"],
  ["files", "Files"],
  ["stored_bytes", "Bytes of its files"],
];

export function ProjectTerms({ project, path, onDone }) {
  const { problem, act } = useAct(onDone);
  const save = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const most = LIMITS.map(([name]) => [name, given.get(name) === "" ? null : Number(given.get(name))]);
    const body = { weight: Number(given.get("weight")), labels: readPairs(given.get("labels")), limits: Object.fromEntries(most) };
    act(() => callApi(path, { method: "POST", body }), "The project is changed.");
  };
  return html`<section aria-labelledby="terms"><h2 id="terms">Share and limits</h2>
    <form class="card" onSubmit=${save}>
      <div class="fields">
        <div><label for="weight">Weight</label>
          <input id="weight" name="weight" type="number" min="1" max="100" required defaultValue=${project.weight} aria-describedby="weight-hint" />
          <p id="weight-hint" class="hint">3 has three parts of a model where another project has one.</p></div>
        <div><label for="labels">Labels</label>
          <textarea id="labels" name="labels" rows="2" defaultValue=${writePairs(project.labels)} placeholder="department=R7"></textarea></div>
        ${LIMITS.map(([name, title]) => html`<div><label for=${`most-${name}`}>${title}</label>
          <input id=${`most-${name}`} name=${name} type="number" min="0" defaultValue=${project.limits[name] ?? ""} placeholder="no limit" /></div>`)}
      </div>
      <${Problem} error=${problem} title="The project was not changed." />
      <p class="buttons"><button>Save</button></p>
    </form></section>`;
}
