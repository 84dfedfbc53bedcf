// Signing in with a key or with Microsoft. Either is tried before anything is shown.

import { callApi } from "../api.js";
import { comeBack, findEntra, leaveFor, signInByCode } from "../entra.js";
import { html, textOf, useEffect, useRef, useState } from "../html.js";
import { keptKey, signIn, signOut, tryKey } from "../session.js";

export function SignIn({ reason }) {
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(Boolean(keptKey()));
  const [entra, setEntra] = useState(null);
  const input = useRef(null);

  const attempt = async (enter) => {
    setBusy(true);
    try {
      await enter();
    } catch (error) {
      signOut(reason);
      setProblem(error.message);
      setBusy(false);
      input.current?.focus();
    }
  };
  const verify = (key, keep) => attempt(async () => {
    tryKey(key);
    signIn(await callApi("/caller"), keep);
  });
  useEffect(() => {
    document.title = "Sign in · Durable Batch";
    const back = comeBack();
    if (back) setBusy(true);
    findEntra().then((found) => {
      setEntra(found);
      if (back) attempt(() => signInByCode(found, back));
    });
    if (keptKey()) verify(keptKey(), true);
    else input.current?.focus();
  }, []);

  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const key = textOf(form, "key");
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
      ${entra && html`<button type="button" disabled=${isBusy} onClick=${() => attempt(() => leaveFor(entra))}>Sign in with Microsoft</button>`}
    </form>
    <p class="hint">No browser needed: <a href="/v1/openapi.json">the API's description</a>.</p>
  </main>`;
}
