// The key of whoever signed in, and what it opens. In memory; in the tab's storage only where that was asked for.
//
// Rule of this file: the key goes nowhere else: into no address, no log, no cookie, no storage that outlives the tab.

const KEPT = "durable-batch-key";
const IDLE_SECONDS = 15 * 60;

let key = "";
/** @type {any} */
let caller = null;
let usedAt = Date.now();
const watchers = new Set();

/** Whoever signed in, as `GET /v1/caller` says; null for nobody. */
export const signedIn = () => caller;
export const currentKey = () => key;
export const keptKey = () => sessionStorage.getItem(KEPT) ?? "";

/** `watcher(reason)` is called whenever somebody has signed in or out. Answers what ends that. */
export function watchSession(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** For the calls by which a key is tried. */
export function tryKey(text) {
  key = text;
}

export function signIn(found, keep) {
  caller = found;
  usedAt = Date.now();
  if (keep) sessionStorage.setItem(KEPT, key);
  tell("");
}

/** `reason` is what the person reads then; nothing where they asked for it. */
export function signOut(reason = "") {
  key = "";
  caller = null;
  sessionStorage.removeItem(KEPT);
  tell(reason);
}

/** What the key opens has changed, such as what is left of a budget. */
export function renewCaller(found) {
  caller = found;
  tell("");
}

/** Whether the caller has a scope, such as `api.batches.write`. */
export const may = (scope) => Boolean(caller?.scopes.includes(scope));

function tell(reason) {
  for (const watcher of watchers) watcher(reason);
}

export function watchIdleness() {
  const used = () => (usedAt = Date.now());
  for (const event of ["pointerdown", "keydown", "wheel"]) addEventListener(event, used, { passive: true });
  setInterval(() => {
    if (caller && Date.now() - usedAt > IDLE_SECONDS * 1000) {
      signOut("You were signed out after 15 minutes without a touch of mouse or keyboard.");
    }
  }, 5000);
}
