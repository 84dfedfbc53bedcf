// All projects, a new one, and what all together may spend.

import { callApi } from "../../api.js";
import { html, textOf, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem, When } from "../../parts/small.js";
import { goTo, hrefOf } from "../../route.js";
import { listAll } from "../usage/names.js";
import { Alerts } from "./alerts.js";
import { Budget } from "./budget.js";

const labels = (project) => Object.entries(project.labels).map(([key, value]) => `${key}: ${value}`);

export function Projects() {
  const found = useLive((signal) => listAll("projects", { include_archived: true }, signal), () => 0, []);
  return html`
    <${NewProject} />
    <${Problem} error=${found.error} title="The projects could not be read." onRetry=${found.reload} />
    ${!found.data && !found.error && html`<p class="muted" role="status">Reading the projects …</p>`}
    ${found.data && html`<table class="rows" aria-label="Projects">
      <thead><tr>${["Name", "State", "Labels", "Created"].map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
      <tbody>${found.data.map((project) => html`<tr key=${project.id}>
        <th scope="row"><a href=${hrefOf("admin", "projects", project.id)}>${project.name}</a></th>
        <td><span class=${`pill ${project.status === "active" ? "good" : ""}`}>${project.status}</span></td>
        <td data-of="Labels">${labels(project).join(", ") || html`<span class="none">–</span>`}</td>
        <td data-of="Created"><${When} at=${project.created_at} /></td></tr>`)}</tbody>
    </table>`}
    <${Budget} path="/organization" isOpen=${true} title="Budget of all projects together" none="Nothing limits what all projects spend together." />
    <${Alerts} path="/organization" isOpen=${true} />`;
}

function NewProject() {
  const [problem, setProblem] = useState(null);
  const create = async (event) => {
    event.preventDefault();
    const name = textOf(new FormData(event.target), "name");
    try {
      const made = await callApi("/organization/projects", { method: "POST", body: { name } });
      goTo(["admin", "projects", made.id]);
    } catch (error) {
      setProblem(error);
    }
  };
  return html`<form class="one-line" onSubmit=${create}>
      <label for="project-name">New project</label>
      <input id="project-name" name="name" required placeholder="Whose it is" autocomplete="off" />
      <button class="main">Create</button></form>
    <${Problem} error=${problem} title="It was not created." />`;
}
