// Short words about what has just been done, read aloud too.

import { html, useEffect, useState } from "../html.js";

const SECONDS = 6;
/** @type {(toast: { text: string, tone: string } | null) => void} */
let show = () => {};

/** Say it for some seconds; `tone` is `good` or `bad`. */
export const say = (text, tone = "good") => show({ text, tone });

export function Toasts() {
  const [toast, setToast] = useState(null);
  show = setToast;
  useEffect(() => {
    if (!toast) return undefined;
    const timer = setTimeout(() => setToast(null), SECONDS * 1000);
    return () => clearTimeout(timer);
  }, [toast]);
  return html`<div class="toasts" role="status">
    ${toast && html`<p class=${`toast ${toast.tone}`}>${toast.text}</p>`}
  </div>`;
}
