// Signing in with Microsoft: an authorization code with PKCE, by hand, for a browser has all that it needs.
//
// Rule of this file: tokens stay in memory. While the person is away at the sign-in, the tab's storage holds what the
// answer is known by: a secret of one use, a state, and where they were. It is taken out before anything else is done.

import { callApi } from "./api.js";
import { signIn, signOut, signedIn, tryKey, watchSession } from "./session.js";

const AWAY = "durable-batch-sign-in";
const BACK_AT = `${location.origin}/ui`;
const EARLY_SECONDS = 300;
const AGAIN_SECONDS = 20;

/** How people sign in here: addresses `authorize` and `token`, `client_id` and `scope`. Null where nothing is set up. */
export async function findEntra() {
  if (!globalThis.crypto?.subtle) return null; // Browsers digest nothing on a page that came by plain http.
  try {
    const response = await fetch("/ui/settings.json", { cache: "no-store" });
    return (await response.json()).entra;
  } catch {
    return null;
  }
}

/** Leaves the page for the sign-in. */
export async function leaveFor(entra) {
  const verifier = random();
  const state = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem(AWAY, JSON.stringify({ verifier, state, place: location.hash }));
  const asked = new URLSearchParams({
    client_id: entra.client_id,
    response_type: "code",
    response_mode: "fragment", // What follows `#` reaches no server and no log.
    redirect_uri: BACK_AT,
    scope: `${entra.scope} offline_access`,
    state,
    code_challenge: base64(new Uint8Array(digest)),
    code_challenge_method: "S256",
    prompt: "select_account",
  });
  location.assign(`${entra.authorize}?${asked}`);
}

/** What the address brought back from there, `code` and `verifier` or a `problem`; null for who comes from elsewhere. */
export function comeBack() {
  const kept = JSON.parse(sessionStorage.getItem(AWAY) ?? "{}");
  sessionStorage.removeItem(AWAY);
  const answer = new URLSearchParams(location.hash.startsWith("#/") ? "" : location.hash.slice(1));
  if (!answer.has("code") && !answer.has("error")) return null;
  history.replaceState(null, "", location.pathname + (kept.place ?? ""));
  if (!kept.state || kept.state !== answer.get("state")) {
    return { problem: "This sign-in was not begun in this tab, or long ago. Begin it again.", code: null, verifier: "" };
  }
  const problem = answer.has("error") ? inWords(answer.get("error_description") ?? answer.get("error")) : null;
  return { problem, code: answer.get("code"), verifier: kept.verifier };
}

/** Throws what the person is to read. */
export async function signInByCode(entra, { problem, code, verifier }) {
  if (problem) throw new Error(problem);
  const asked = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: BACK_AT };
  const tokens = await redeem(entra, asked);
  tryKey(tokens.access_token);
  signIn(await callApi("/caller"), false);
  stayFresh(entra, tokens);
}

/** Another token takes the place of one that is about to end; without one, the person is asked to sign in again. */
function stayFresh(entra, tokens) {
  const endsAt = Date.now() + tokens.expires_in * 1000;
  const renew = async () => {
    try {
      const next = await redeem(entra, { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" });
      if (isOver) return;
      tryKey(next.access_token);
      over();
      stayFresh(entra, { refresh_token: tokens.refresh_token, ...next });
    } catch (error) {
      if (isOver) return;
      const isForGood = error.isRefused || Date.now() > endsAt;
      if (isForGood) signOut(`Your sign-in has ended. Sign in again. ${error.message}`);
      else timer = setTimeout(renew, AGAIN_SECONDS * 1000);
    }
  };
  let isOver = false;
  let timer = setTimeout(renew, Math.max(0, tokens.expires_in - EARLY_SECONDS) * 1000);
  const unwatch = watchSession(() => signedIn() || over());
  const over = () => {
    isOver = true;
    clearTimeout(timer);
    unwatch();
  };
}

async function redeem(entra, asked) {
  const body = new URLSearchParams({ client_id: entra.client_id, scope: `${entra.scope} offline_access`, ...asked });
  let response;
  try {
    response = await fetch(entra.token, { method: "POST", body, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Error("The sign-in cannot be reached.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.access_token) return answer;
  const why = inWords(answer.error_description ?? answer.error ?? `It answered HTTP ${response.status}.`);
  throw Object.assign(new Error(why), { isRefused: response.status < 500 });
}

/** Its descriptions go on with numbers for its own support, from the second line on. */
const inWords = (text) => text.split(/\r?\n| Trace ID:/)[0];
const random = () => base64(crypto.getRandomValues(new Uint8Array(32)));
const base64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (sign) => ({ "+": "-", "/": "_" })[sign] ?? "");
