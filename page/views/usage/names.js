// What projects and keys are called. An administrator may ask for all; whoever else knows the own ones.

import { callApi, query } from "../../api.js";
import { shortened } from "../../format.js";
import { may } from "../../session.js";

const PAGE = 100;
const NOBODY = "The service's first key, or a token";

/**
 * All of a list of the administration.
 * @param {AbortSignal} [signal]
 */
export async function listAll(path, parameters = {}, signal = undefined) {
  const found = [];
  let after = "";
  do {
    const page = await callApi(`/organization/${path}${query({ limit: PAGE, ...parameters, after })}`, { signal });
    found.push(...page.data);
    after = page.has_more ? page.last_id : "";
  } while (after);
  return found;
}

/** Names by id, of the projects and keys that `rows` are of; an id without a name is of something that was deleted. */
export async function namesFor(filter, rows, caller, signal) {
  const names = new Map([["", NOBODY]]);
  if (caller.project) names.set(caller.project.id, caller.project.name);
  if (caller.api_key_id) names.set(caller.api_key_id, caller.name);
  if (!may("admin") || !["project", "key"].includes(filter.by)) return names;
  for (const project of await listAll("projects", { include_archived: true }, signal)) names.set(project.id, project.name);
  const projects = filter.by === "key" ? [...new Set(rows.map((row) => row.project))] : [];
  const keys = await Promise.all(projects.map((id) => listAll(`projects/${id}/api_keys`, {}, signal)));
  for (const key of keys.flat()) names.set(key.id, key.name);
  return names;
}

export const nameOf = (names, id) => names.get(id) ?? shortened(id);
