// The table of views. A further view is a file in `views/` and an entry here.

import { html } from "./html.js";
import { later } from "./parts/later.js";
import { may } from "./session.js";
import { Batches } from "./views/batches.js";

const Batch = later("Batch", null, () => import("./views/batch.js"));
const Create = later("New batch", null, () => import("./views/create.js"));
const Files = later("Files", null, () => import("./views/files.js"));
const Key = later("Your key", null, () => import("./views/key.js"));
const Closed = later("", null, () => import("./views/closed/closed.js"));
const Admin = later("Administration", "views/admin/admin.css", () => import("./views/admin/admin.js"));
const Webhooks = later("Webhooks", "views/admin/admin.css", () => import("./views/webhooks/webhooks.js"));
const Usage = later("Usage", "views/usage/usage.css", () => import("./views/usage/usage.js"));

/**
 * `path` is the first segment of the address, `title` what it is called; `view` is given `route` and `caller`.
 * `scope` is what a key needs for it; `isOf` says which callers it is for, besides. Without `inNav` it has no link on top.
 * What is made by `later` is loaded when it is first opened; it exports its component as `View`.
 */
export const VIEWS = [
  { path: "batches", title: "Batches", view: BatchesOrOne, scope: "api.batches.read", isOf: hasProject, inNav: true },
  { path: "create", title: "New batch", view: Create, scope: "api.batches.write", isOf: hasProject, inNav: true },
  { path: "files", title: "Files", view: Files, scope: "api.files.read", isOf: hasProject, inNav: true },
  { path: "webhooks", title: "Webhooks", view: Webhooks, scope: "api.batches.read", isOf: hasProject, inNav: true },
  { path: "key", title: "Your key", view: Key, inNav: false },
  { path: "usage", title: "Usage", view: Usage, scope: "usage", inNav: true },
  { path: "admin", title: "Administration", view: Admin, scope: "admin", inNav: true },
];

function hasProject(caller) {
  return Boolean(caller.project);
}

function BatchesOrOne(properties) {
  const id = properties.route.path[1];
  return id ? html`<${Batch} key=${id} id=${id} ...${properties} />` : html`<${Batches} ...${properties} />`;
}

const isFor = (view, caller) => (!view.scope || may(view.scope)) && (!view.isOf || view.isOf(caller));

/** Those that the caller's key opens and that stand in the navigation. */
export const viewsFor = (caller) => VIEWS.filter((view) => view.inNav && isFor(view, caller));

/** The view of an address; where there is none, the first that the key opens. One that it does not says what is missing. */
export function viewOf(route, caller) {
  const found = VIEWS.find((view) => view.path === route.path[0]);
  if (found && isFor(found, caller)) return found;
  if (found?.scope && !may(found.scope)) return { ...found, view: Closed };
  return VIEWS.find((view) => isFor(view, caller)) ?? VIEWS.find((view) => !view.scope) ?? VIEWS[0];
}
