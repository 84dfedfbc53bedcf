// Views that are loaded when they are first opened, with a style sheet of their own: they cost nobody else anything.

import { heading, html, useEffect, useRef, useState } from "../html.js";

/** `load` imports a module whose `View` is shown; `sheet` is its style sheet's name in the page's folder, if it has one. */
export function later(title, sheet, load) {
  let loaded = null;
  return function Later(properties) {
    const [state, setState] = useState({ view: loaded, error: null });
    const waiting = useRef(null);
    const hadFocus = useRef(false);
    useEffect(() => {
      if (loaded) return;
      Promise.all([load(), sheet && addSheet(sheet)]).then(
        ([module]) => {
          loaded = module.View;
          hadFocus.current = document.activeElement === waiting.current;
          setState({ view: loaded, error: null });
        },
        (error) => setState({ view: null, error }),
      );
    }, []);
    useEffect(() => {
      if (hadFocus.current) heading()?.focus({ preventScroll: true });
    }, [state.view]);
    if (state.view) return html`<${state.view} ...${properties} />`;
    return html`<h1 tabindex="-1" ref=${waiting}>${title || "…"}</h1>
      ${state.error ? html`<${Gone} />` : html`<p class="muted" role="status">Reading the view …</p>`}`;
  };
}

/** What an older page names is gone once the service has been renewed. */
const Gone = () => html`<div class="problem" role="alert">
  <p><strong>This part of the page could not be loaded.</strong> The service may have been renewed since you opened it.</p>
  <button onClick=${() => location.reload()}>Load the page again</button>
</div>`;

function addSheet(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`../${name}`, import.meta.url).href;
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject(new Error(name));
    document.head.append(link);
  });
}
