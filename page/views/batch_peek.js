// One result in full beside its request: J and K go on and back, Esc closes.

import { html, useLayoutEffect, useRef } from "../html.js";
import { answerOf, errorOf, json, questionOf, tokensOf } from "../result_lines.js";

export function Peek({ result, request, onMove, onEnd, place }) {
  const panel = useRef(null);
  useLayoutEffect(() => {
    panel.current.showModal();
    panel.current.querySelector("h3").focus();
  }, []);
  const press = (event) => {
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step || event.target.closest("pre, input") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onMove(step);
  };
  const error = errorOf(result);
  const tokens = tokensOf(result);
  return html`<dialog class="peek" ref=${panel} aria-labelledby="peek" onClose=${onEnd} onKeyDown=${press}>
    <header>
      <h3 id="peek" tabindex="-1">${result.custom_id}</h3>
      <span class=${`pill ${error ? "bad" : "good"}`}>${error ? error.code : "Succeeded"}</span>
      <span class="muted">${place}${tokens.out !== "" ? `, ${tokens.in} tokens in, ${tokens.out} out` : ""}</span>
      <span class="keys"><button onClick=${() => onMove(-1)}>Back <kbd>K</kbd></button>
        <button onClick=${() => onMove(1)}>Next <kbd>J</kbd></button>
        <button onClick=${() => panel.current.close()}>Close <kbd>Esc</kbd></button></span>
    </header>
    <div class="pair">
      <section><h4>Request</h4>
        ${request ? html`<pre tabindex="0" aria-label="Request">${questionOf(request)}</pre><${Raw} of=${request} />`
          : html`<p class="muted">Not read: it stands far on in the input file, or that file is gone.</p>`}
      </section>
      <section><h4>${error ? "Error" : "Answer"}</h4>
        <pre tabindex="0" aria-label=${error ? "Error" : "Answer"}>${error ? error.message || json(result) : answerOf(result)}</pre>
        <${Raw} of=${result} />
      </section>
    </div>
  </dialog>`;
}

const Raw = ({ of }) => html`<details><summary>Whole line</summary><pre tabindex="0" aria-label="Whole line">${json(of)}</pre></details>`;
