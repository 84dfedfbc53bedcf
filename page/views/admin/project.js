// One project: its name, its keys, its models, its limits, its budget, and its end.

import { callApi } from "../../api.js";
import { html, textIn, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Ask } from "../../parts/dialog.js";
import { Id, Problem } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";
import { hrefOf } from "../../route.js";
import { Alerts } from "./alerts.js";
import { Budget } from "./budget.js";
import { Keys } from "./keys.js";
import { ProjectModels } from "./project_models.js";
import { ProjectTerms } from "./project_terms.js";

const DEFAULT = "proj_default";

export function Project({ id, caller }) {
  const path = `/organization/projects/${encodeURIComponent(id)}`;
  const found = useLive((signal) => callApi(path, { signal }), () => 0, [id]);
  const project = found.data;
  return html`
    <p class="back"><a href=${hrefOf("admin", "projects")}>← All projects</a></p>
    <div class="head"><h1 tabindex="-1">${project?.name ?? "Project"}</h1>
      ${project?.archived_at && html`<span class="pill">archived</span>`}
      ${project && !project.archived_at && html`<${Changes} project=${project} path=${path} onDone=${found.reload} />`}</div>
    <${Problem} error=${found.error} title="This project cannot be shown." onRetry=${found.reload} />
    ${!project && !found.error && html`<p class="muted" role="status">Reading the project …</p>`}
    ${project && html`<p class="under"><${Id} id=${project.id} what="project id" isWhole=${true} /></p>
      <${Keys} project=${project} path=${path} models=${caller.models} />
      <${Budget} path=${path} isOpen=${!project.archived_at} isByModel=${true} none="Nothing limits what this project spends." />
      <${Alerts} path=${path} isOpen=${!project.archived_at} />
      <${ProjectModels} project=${project} path=${path} isOpen=${!project.archived_at} />
      ${!project.archived_at && html`<${ProjectTerms} key=${JSON.stringify(project)} project=${project} path=${path} onDone=${found.reload} />`}`}`;
}

function Changes({ project, path, onDone }) {
  const [asked, ask] = useState("");
  const end = (done) => (ask(""), done && onDone());
  const archive = async () => {
    await callApi(`${path}/archive`, { method: "POST" });
    say(`${project.name} is archived.`);
  };
  const rename = async () => {
    const name = textIn("new-name");
    await callApi(path, { method: "POST", body: { name } });
  };
  return html`<div class="actions">
    <button onClick=${() => ask("rename")}>Rename …</button>
    ${project.id !== DEFAULT && html`<button class="danger" onClick=${() => ask("archive")}>Archive …</button>`}
    ${asked === "rename" && html`<${Ask} title=${`Rename ${project.name}`} verb="Rename" act=${rename} onEnd=${end}>
      <label for="new-name">Name</label><input id="new-name" defaultValue=${project.name} required autocomplete="off" /></${Ask}>`}
    ${asked === "archive" && html`<${Ask} title=${`Archive ${project.name}?`} verb="Archive the project" tone="danger"
      act=${archive} onEnd=${end}>
      <p>Its keys open nothing any more. Its batches run to their end, and its files stay until they expire.
        An archived project cannot be brought back.</p></${Ask}>`}
  </div>`;
}
