// What is shown in place of a view that the key does not open: which scope it would need.

import { html } from "../../html.js";
import { VIEWS } from "../../views.js";

export function View({ route, caller }) {
  const { title, scope } = VIEWS.find((view) => view.path === route.path[0]) ?? VIEWS[0];
  const scopes = caller.scopes.map((each) => html`<code>${each}</code> `);
  return html`<h1 tabindex="-1">${title}</h1>
    <p class="notice">This needs a key with the scope <code>${scope}</code>. Yours has ${scopes.length ? scopes : "none."}</p>
    <p class="muted">Whoever made your key can make you one with that scope.</p>`;
}
