// What every view is written with: markup in template strings, and the hooks. Text is never read as markup.

import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

export { render } from "./vendor/preact.js";
export { useCallback, useEffect, useErrorBoundary, useId, useMemo, useRef, useState } from "./vendor/hooks.js";
export const html = htm.bind(h);
