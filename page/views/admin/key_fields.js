// What a key may: the fields for a new one and for one that is there, and what they ask for.

import { html } from "../../html.js";
import { readPairs, writePairs } from "../../pairs.js";
import { MoneyFields, readLimit } from "./money_fields.js";

export const SCOPES = [
  ["api.files.read", "read files"],
  ["api.files.write", "make files"],
  ["api.batches.read", "read batches"],
  ["api.batches.write", "make batches"],
  ["usage", "usage and costs"],
];
const ALL = SCOPES.map(([scope]) => scope);
const TOGETHER = {
  "api.all": ALL,
  "api.all.read": ["api.files.read", "api.batches.read", "usage"],
  "api.all.write": ["api.files.read", "api.files.write", "api.batches.read", "api.batches.write"],
};
const PRIORITIES = [["high", "any"], ["normal", "normal at most"], ["low", "low only"]];

/** The scopes that these names stand for; none are all. */
const opened = (names) => (names.length ? names.flatMap((name) => TOGETHER[name] ?? name.replace(/^(files|batches):/, "api.$1.")) : ALL);

/** The fields of a key in the calls that make and change one. Throws where nothing at all is allowed: that would be everything. */
export function readKey(given) {
  const scopes = given.getAll("scopes");
  if (!scopes.length) throw new Error("Choose at least one thing that the key may do.");
  return {
    scopes: scopes.length === SCOPES.length ? [] : scopes,
    models: given.getAll("models"),
    labels: readPairs(given.get("labels")),
    max_priority: given.get("priority"),
    spend_limit: readLimit(given) ?? /** @type {any} */ ({}),
  };
}

/**
 * `of` is the key as it is, if it is there already.
 * @param {{ prefix: string, models: string[], of?: any }} properties
 */
export const KeyFields = ({ prefix, models, of = null }) => html`
  <fieldset class="wide"><legend>It may</legend>${SCOPES.map(([scope, title]) => html`<label class="check">
    <input type="checkbox" name="scopes" value=${scope} defaultChecked=${opened(of?.scopes ?? []).includes(scope)} />${title}</label>`)}</fieldset>
  <fieldset class="wide"><legend>Only these models (none chosen: all of the project)</legend>
    ${[...new Set([...models, ...(of?.models ?? [])])].map((model) => html`<label class="check">
      <input type="checkbox" name="models" value=${model} defaultChecked=${Boolean(of?.models.includes(model))} />${model}</label>`)}</fieldset>
  <div><label for=${`${prefix}-priority`}>Priority of its batches</label><select id=${`${prefix}-priority`} name="priority">
    ${PRIORITIES.map(([value, title]) => html`<option value=${value} selected=${value === (of?.max_priority ?? "high")}>${title}</option>`)}</select></div>
  <div><label for=${`${prefix}-labels`}>Labels</label>
    <textarea id=${`${prefix}-labels`} name="labels" rows="1" defaultValue=${writePairs(of?.labels ?? {})} placeholder="department=R7"></textarea></div>
  <div class="wide one-line"><${MoneyFields} id=${`${prefix}-amount`} label="It spends at most" limit=${of?.spend_limit} /></div>`;
