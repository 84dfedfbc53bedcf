// A question that has to be answered before something is done. The browser's own dialog: it holds the focus and gives it back.

import { html, useId, useLayoutEffect, useRef, useState } from "../html.js";

/**
 * `act` is called when the person agrees; its error is shown and the dialog stays. `onEnd(done)` when it closes.
 * `verb` is what the button says, `tone` is `danger` for what cannot be taken back.
 */
export function Ask({ title, verb, tone = "", act, onEnd, children }) {
  const dialog = useRef(null);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const heading = useId();
  useLayoutEffect(() => dialog.current.showModal(), []);
  const agree = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await act();
      onEnd(true);
    } catch (error) {
      setProblem(error.message);
      setBusy(false);
    }
  };
  return html`<dialog ref=${dialog} aria-labelledby=${heading} onClose=${() => onEnd(false)}>
    <form onSubmit=${agree}>
      <h2 id=${heading}>${title}</h2>
      ${children}
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <p class="buttons">
        <button type="button" onClick=${() => dialog.current.close()}>Keep it as it is</button>
        <button class=${`main ${tone}`} disabled=${isBusy}>${verb}</button>
      </p>
    </form>
  </dialog>`;
}
