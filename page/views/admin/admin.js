// Administration: projects with their keys, limits and budgets, deployments, administrators, and who did what. For administrators' keys.

import { html } from "../../html.js";
import { hrefOf } from "../../route.js";
import { Administrators } from "./administrators.js";
import { AuditLog } from "./audit_log.js";
import { Deployments } from "./deployments.js";
import { Project } from "./project.js";
import { Projects } from "./projects.js";

const TABS = [
  ["projects", "Projects and keys", Projects],
  ["deployments", "Deployments", Deployments],
  ["administrators", "Administrators", Administrators],
  ["audit", "Audit log", AuditLog],
];

export function View({ route, caller }) {
  const [, tab, id] = route.path;
  const found = TABS.find(([name]) => name === tab) ?? TABS[0];
  if (found[2] === Projects && id) return html`<${Project} key=${id} id=${id} caller=${caller} />`;
  return html`<div class="head"><h1 tabindex="-1">Administration</h1>
      <nav class="tabs" aria-label="Administration">${TABS.map(([name, title]) => html`<a href=${hrefOf("admin", name)}
        aria-current=${name === found[0] ? "page" : null}>${title}</a>`)}</nav></div>
    ${!caller.project && html`<p class="under">This is an administrator's key: it opens no batches and no files.</p>`}
    <${found[2]} route=${route} caller=${caller} />`;
}
