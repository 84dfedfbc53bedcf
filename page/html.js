// What every view is written with: markup in template strings, and the hooks. Text is never read as markup.

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { render } from "./vendor/preact.js";
export { useCallback, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
export const html = htm.bind(h);

/** What was typed into the field `name` of a form, given as FormData; into the field with an id. Without space around it. */
export const textOf = (form, name) => String(form.get(name) ?? "").trim();
export const textIn = (id) => /** @type {HTMLInputElement} */ (document.getElementById(id)).value.trim();

/** The data of the form that the element with an id is in. */
export const formAround = (id) => new FormData(document.getElementById(id)?.closest("form") ?? undefined);

/** The heading of what is shown, to which focus goes. */
export const heading = () => /** @type {HTMLElement | null} */ (document.querySelector("main h1"));
