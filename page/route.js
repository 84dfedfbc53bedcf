// Where the page is: `#/batches/batch_1?status=failed`. Behind the mark, so that no address of the server is needed.

import { useLayoutEffect, useState } from "./html.js";

/** The segments and the parameters of the address. */
export function readRoute(hash = location.hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), search: new URLSearchParams(search) };
}

export const hrefOf = (...path) => `#/${path.map(encodeURIComponent).join("/")}`;

/** Go on to `path` with `parameters`; with `replace` the way back leads past where one is now. */
export function goTo(path, parameters = {}, replace = false) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const address = hrefOf(...path) + (given.length ? `?${new URLSearchParams(given)}` : "");
  if (!replace) location.hash = address;
  else {
    history.replaceState(null, "", address);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

/** The address, read again when it changes; heard from the moment that something is shown, not a frame later. */
export function useRoute() {
  const [route, setRoute] = useState(readRoute);
  useLayoutEffect(() => {
    const read = () => setRoute(readRoute());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return route;
}
