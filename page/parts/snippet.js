// The same action as a program would do it.

import { html, useState } from "../html.js";
import { say } from "./toasts.js";

const PYTHON = (code) => `from openai import OpenAI

client = OpenAI(base_url="${location.origin}/v1", api_key="YOUR_KEY")
${code}`;
const NODE = (code) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${location.origin}/v1", apiKey: "YOUR_KEY" });
${code}`;
const CURL = (code) => `curl -H "Authorization: Bearer YOUR_KEY" ${code.replace("URL", `${location.origin}/v1`)}`;
/** @type {[string, string, (code: string) => string][]} */
const LANGUAGES = [
  ["curl", "curl", CURL],
  ["python", "Python", PYTHON],
  ["node", "Node", NODE],
];

/** `codes` has `curl`, `python` and `node`: what follows on the key, or on the client. */
export function Snippet({ codes, summary = "The same by API" }) {
  const [chosen, choose] = useState("curl");
  const [, , wrap] = LANGUAGES.find(([name]) => name === chosen) ?? LANGUAGES[0];
  const text = wrap(codes[chosen]);
  const copy = () => navigator.clipboard.writeText(text).then(() => say("Copied"), () => say("Select it to copy.", "bad"));
  return html`<details class="snippet">
    <summary>${summary}</summary>
    <div class="choices" role="group" aria-label="Language">
      ${LANGUAGES.map(
        ([name, title]) => html`<button class="plain" aria-pressed=${String(name === chosen)}
          onClick=${() => choose(name)}>${title}</button>`,
      )}
      <button class="plain" onClick=${copy}>Copy</button>
    </div>
    <pre tabindex="0" aria-label="Code"><code>${text}</code></pre>
  </details>`;
}
