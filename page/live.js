// Keeping what is shown up to date, while somebody looks.

import { useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * What came of it: `data` of the last time that it went well, `error` of the last time where it did not.
 * @template T
 * @typedef {{ data: T | null, error: any, at: number }} Asked
 */

/**
 * What `load(signal)` answers, asked for again every `secondsUntilNext(data)` seconds; 0: not again.
 * Nothing is asked while the tab is hidden. What was there stays while it is asked, and when asking fails.
 * `names` are what `load` depends on: another thing is another question.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {(data: T) => number} secondsUntilNext
 * @param {any[]} names
 */
export function useLive(load, secondsUntilNext, names) {
  const [state, setState] = useState(/** @type {Asked<T>} */ ({ data: null, error: null, at: 0 }));
  const reload = useRef(() => {});
  useEffect(() => {
    let timer = 0;
    let ended = false;
    const abort = new AbortController();
    const ask = async () => {
      clearTimeout(timer);
      timer = 0;
      let next = 5;
      try {
        const data = await load(abort.signal);
        if (ended) return;
        setState({ data, error: null, at: Date.now() });
        next = secondsUntilNext(data);
      } catch (error) {
        if (ended || error.name === "AbortError") return;
        setState((before) => ({ ...before, error }));
        next = error.status === 0 || error.status >= 500 ? 5 : 0;
      }
      if (next && !document.hidden) timer = setTimeout(ask, next * 1000);
      waits = Boolean(next);
    };
    let waits = false;
    const seen = () => {
      if (document.hidden) clearTimeout(timer);
      else if (waits) ask();
    };
    reload.current = ask;
    setState((before) => ({ ...before, error: null }));
    ask();
    document.addEventListener("visibilitychange", seen);
    return () => {
      ended = true;
      clearTimeout(timer);
      abort.abort();
      document.removeEventListener("visibilitychange", seen);
    };
  }, names);
  return { ...state, reload: useCallback(() => reload.current(), []) };
}
