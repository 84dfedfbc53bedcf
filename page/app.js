// The shell: who is signed in, where one is, and the view of that place from the table of views.

import { heading, html, useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from "./html.js";
import { hrefOf, useRoute } from "./route.js";
import { signOut, signedIn, watchIdleness, watchSession } from "./session.js";
import { Toasts } from "./parts/toasts.js";
import { viewOf, viewsFor } from "./views.js";
import { SignIn } from "./views/sign_in.js";

watchIdleness();

export function App() {
  const [reason, setReason] = useState("");
  const [, redraw] = useState(0);
  useLayoutEffect(() => watchSession((why) => (setReason(why), redraw((times) => times + 1))), []);
  return html`
    <a class="skip" href="#main" onClick=${skipToMain}>Skip to content</a>
    ${signedIn() ? html`<${Inside} caller=${signedIn()} />` : html`<${SignIn} reason=${reason} />`}
    <${Toasts} />
  `;
}

function skipToMain(event) {
  event.preventDefault();
  document.querySelector("main")?.focus();
}

function Inside({ caller }) {
  const route = useRoute();
  const found = viewOf(route, caller);
  useTitle(found.title, [found.path, ...route.path.slice(1)].join("/")); // `#/` and `#/batches` are one place.
  return html`
    <header class="bar">
      <a class="brand" href="#/"><${Mark} />Durable Batch</a>
      <nav aria-label="Main">
        ${viewsFor(caller).map(
          (view) =>
            html`<a href=${hrefOf(view.path)} aria-current=${view.path === found.path ? "page" : null}>${view.title}</a>`,
        )}
      </nav>
      <div class="who">
        <a href=${hrefOf("key")} title="What this key opens">${caller.name}</a>
        <button class="plain" onClick=${() => signOut()}>Sign out</button>
      </div>
    </header>
    <main id="main" tabindex="-1">
      <${Guarded} key=${found.path}><${found.view} route=${route} caller=${caller} /></${Guarded}>
    </main>
  `;
}

const Mark = () => html`
  <svg class="mark" viewBox="0 0 18 16" aria-hidden="true">
    <rect width="18" height="4" rx="2" /><rect y="6" width="18" height="4" rx="2" /><rect y="12" width="11" height="4" rx="2" />
  </svg>
`;

/** The title says where one is; focus moves to the new heading, but not when the page has just opened. */
function useTitle(title, path) {
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${title} · Durable Batch`;
    if (!isFirst.current) heading()?.focus({ preventScroll: true });
    if (!isFirst.current) scrollTo(0, 0);
    isFirst.current = false;
  }, [title, path]);
}

/** A view that fails must not take the shell with it. */
function Guarded({ children }) {
  const [error, retry] = useErrorBoundary();
  if (!error) return children;
  return html`
    <section class="problem" role="alert">
      <h1 tabindex="-1">This view has failed</h1>
      <p>${error.message}</p>
      <button onClick=${retry}>Show it again</button>
    </section>
  `;
}

