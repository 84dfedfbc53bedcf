// A new batch: a file, what is to be done with it, what that comes to; nothing is spent before the last button.

import { callApi } from "../api.js";
import { html, useEffect, useMemo, useState } from "../html.js";
import { Id, Problem } from "../parts/small.js";
import { Snippet } from "../parts/snippet.js";
import { say } from "../parts/toasts.js";
import { goTo, hrefOf } from "../route.js";
import { Options, bodyOf } from "./create_options.js";
import { Source } from "./create_source.js";
import { Verdict } from "./create_verdict.js";

const UNSET = {
  endpoint: "/v1/chat/completions", window: "24h", description: "", metadata: "", expiry: "", priority: "normal", order: "", callback: "", secret: "",
};

export function View({ route, caller }) {
  const [fileId, setFileId] = useState(route.search.get("file") ?? "");
  const [options, setOptions] = useState(UNSET);
  const [verdict, setVerdict] = useState(null);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const body = useMemo(() => bodyOf(fileId, options), [fileId, options]);
  const once = useMemo(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, [body]);
  const { input_file_id, endpoint, completion_window, callback_url, callback_secret } = body;

  useEffect(() => {
    setVerdict(null);
    setProblem(null);
    if (!input_file_id) return undefined;
    const abort = new AbortController();
    const asked = { method: "POST", body: { input_file_id, endpoint, completion_window, callback_url, callback_secret }, signal: abort.signal };
    callApi("/batches/validate", asked).then(setVerdict, (error) => error.name !== "AbortError" && setProblem(error));
    return () => abort.abort();
  }, [input_file_id, endpoint, completion_window, callback_url, callback_secret]);

  const create = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const headers = { "idempotency-key": once };
      const batch = await callApi("/batches", { method: "POST", body, headers });
      say("The batch is on its way.");
      goTo(["batches", batch.id]);
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  const found = (id, facts = {}) => {
    setFileId(id);
    if (facts.endpoint) setOptions((before) => ({ ...before, endpoint: facts.endpoint }));
    if (facts.name) setOptions((before) => ({ ...before, description: before.description || facts.name }));
  };
  return html`
    <p class="back"><a href=${hrefOf("batches")}>← All batches</a></p>
    <h1 tabindex="-1">New batch</h1>
    <form class="create" onSubmit=${create}>
      <section class="card" aria-labelledby="step-file"><h2 id="step-file">1. Requests</h2>
        ${fileId
          ? html`<p class="chosen">File <${Id} id=${fileId} what="file id" isWhole=${true} />
              <button type="button" onClick=${() => setFileId("")}>Choose another</button></p>`
          : html`<${Source} caller=${caller} onFound=${found} />`}
      </section>
      <section class="card" aria-labelledby="step-options"><h2 id="step-options">2. What to do with it</h2>
        <${Options} options=${options} priorities=${caller.priorities} onChange=${(more) => setOptions({ ...options, ...more })} />
      </section>
      <section class="card" aria-labelledby="step-verdict"><h2 id="step-verdict">3. What it comes to</h2>
        ${fileId ? html`<${Verdict} verdict=${verdict} isAsking=${!verdict && !problem} />`
          : html`<p class="muted">Once there is a file, the service reads all of it here. That costs nothing.</p>`}
        <${Problem} error=${problem} title="The service refuses it." />
        <p class="buttons"><button class="main" disabled=${!verdict?.valid || isBusy}>${isBusy ? "Creating …" : "Create the batch"}</button></p>
      </section>
    </form>
    <${Snippet} codes=${codes(body)} />
  `;
}

function codes(body) {
  const given = { ...body, input_file_id: body.input_file_id || "FILE_ID", ...(body.callback_secret ? { callback_secret: "whsec_YOUR_SECRET" } : {}) };
  const python = Object.entries(given).map(([key, value]) => `    ${key}=${JSON.stringify(value)},`).join("\n");
  return {
    curl: `-H "Content-Type: application/json" "URL/batches" -d '${JSON.stringify(given).replaceAll("'", "'\\''")}'`,
    python: `batch = client.batches.create(\n${python}\n)`,
    node: `const batch = await client.batches.create(${JSON.stringify(given, null, 2)});`,
  };
}
