// Signing in with a key, which is tried before anything is shown.

import { callApi } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { keptKey, signIn, signOut, tryKey } from "../session.js";

export function SignIn({ reason }) {
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(Boolean(keptKey()));
  const input = useRef(null);

  const verify = async (key, keep) => {
    setBusy(true);
    tryKey(key);
    try {
      signIn(await callApi("/caller"), keep);
    } catch (error) {
      signOut(reason);
      setProblem(error.message);
      setBusy(false);
      input.current?.focus();
    }
  };
  useEffect(() => {
    document.title = "Sign in · Durable Batch";
    if (keptKey()) verify(keptKey(), true);
    else input.current?.focus();
  }, []);

  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const key = form.get("key").trim();
    if (key) verify(key, Boolean(form.get("keep")));
    else setProblem("Enter a key. Whoever runs this service can make you one.");
  };
  return html`<main id="main" class="door" tabindex="-1">
    <form class="card" onSubmit=${submit} autocomplete="off">
      <h1>Durable Batch</h1>
      <p class="lead">Files of requests in, files of answers out.</p>
      ${reason && html`<p class="notice" role="status">${reason}</p>`}
      <label for="key">API key or access token</label>
      ${problem && html`<p id="key-problem" class="wrong" role="alert">${problem}</p>`}
      <input id="key" name="key" type="password" ref=${input} autocomplete="off" spellcheck=${false} required
        aria-invalid=${problem ? "true" : null} aria-describedby=${problem ? "key-problem" : "key-hint"} />
      <p id="key-hint" class="hint">It stays in this page's memory and is gone when you leave or reload it.</p>
      <label class="check"><input type="checkbox" name="keep" /> Keep it until I close this tab</label>
      <button class="main" disabled=${isBusy}>${isBusy ? "Verifying …" : "Verify and sign in"}</button>
    </form>
    <p class="hint">No browser needed: <a href="/v1/openapi.json">the API's description</a>.</p>
  </main>`;
}
