// Results beside their requests, a page at a time, also while the batch runs: search, failed only, J, K and Esc.

import { isActive } from "../batch_facts.js";
import { fetchApi, query } from "../api.js";
import { count } from "../format.js";
import { html, textOf, useEffect, useMemo, useRef, useState } from "../html.js";
import { useLive } from "../live.js";
import { Problem } from "../parts/small.js";
import { RequestReader } from "../request_reader.js";
import { answerOf, errorOf, parseLines, questionOf } from "../result_lines.js";
import { Peek } from "./batch_peek.js";

const PAGE = 50;
const SEARCHED = 1000;
const LIVE_SECONDS = 3;
const AT_END = "Requests that begin alike are sent side by side here, so results can be read in order when the batch has ended.";

export function Results({ batch }) {
  const [only, setOnly] = useState("");
  const [words, setWords] = useState("");
  const [cursors, setCursors] = useState([]);
  const after = cursors.at(-1) ?? 0;
  const asked = [batch.id, after, only, words].join("\n");
  const found = useLive(
    async (signal) => ({ asked, after, ...(await load(batch.id, { after, status: only, words }, signal)) }),
    (page) => (page.isIncomplete && page.rows.length < PAGE && isActive(batch) ? LIVE_SECONDS : 0),
    [asked, batch.status],
  );
  const page = found.data;
  const rows = page?.rows ?? [];
  const requests = useRequests(batch, rows, page?.after ?? 0);
  const { open, show } = useOpen(page, rows);
  const turnTo = (next, index = -1) => (setCursors(next), show([batch.id, next.at(-1) ?? 0, only, words].join("\n"), index));
  const begin = (change) => (value) => (turnTo([]), change(value));
  const onward = page && page.isIncomplete && rows.length >= PAGE ? [...cursors, page.last] : null;
  const back = cursors.length ? cursors.slice(0, -1) : null;
  const move = (step) => {
    if (rows[open + step]) show(asked, open + step);
    else if (page?.asked === asked && step > 0 && onward) turnTo(onward, 0);
    else if (page?.asked === asked && step < 0 && back) turnTo(back, PAGE - 1);
  };
  return html`
    <${Tools} only=${only} setOnly=${begin(setOnly)} words=${words} setWords=${begin(setWords)} batch=${batch} />
    <${Problem} error=${found.error} title="The results cannot be shown." onRetry=${found.reload} />
    ${page && !rows.length && html`<p class="muted" role="status">${nothing(batch, page, words, only)}</p>`}
    ${rows.length > 0 && html`<${Table} rows=${rows} requests=${requests} open=${open} setOpen=${(index) => show(asked, index)} />`}
    ${page && html`<nav class="pages" aria-label="Pages of results">
      <button disabled=${!back} onClick=${() => back && turnTo(back)}>Back</button>
      <span role="status">${page.asked === asked || found.error ? span(page) : "Looking …"}</span>
      <button disabled=${!onward} onClick=${() => onward && turnTo(onward)}>Next</button>
      <${GoTo} most=${batch.request_counts.total} onLine=${(line) => turnTo([...cursors, line - 1])} />
    </nav>`}
    ${rows[open] && html`<${Peek} result=${rows[open]} request=${requests.get(rows[open].custom_id)}
      onMove=${move} onEnd=${() => show(asked, -1)} place=${`${open + 1} of ${rows.length} on this page`} />`}
  `;
}

const span = ({ after, last }) => `Lines ${count(after + 1)} to ${count(Math.max(last, after + 1))}`;

/** Which row is open, -1 for none. One of another page is, once that page is here; until then what was open stays. */
function useOpen(page, rows) {
  const [wish, setWish] = useState({ asked: "", index: -1 });
  const open = useRef(-1);
  if (wish.index < 0) open.current = -1;
  else if (page?.asked === wish.asked) open.current = Math.min(wish.index, rows.length - 1);
  return { open: open.current, show: (asked, index) => setWish({ asked, index }) };
}

function GoTo({ most, onLine }) {
  const go = (event) => {
    event.preventDefault();
    onLine(Number(textOf(new FormData(event.target), "line")));
  };
  return html`<form class="go" onSubmit=${go}><label>Line <input name="line" type="number" required min="1" max=${most} /></label>
    <button>Go</button></form>`;
}

/** A page of results past line `after`: by the service's own filters, and where words are looked for, searched here. */
async function load(id, { after, status, words }, signal) {
  if (!words) return ask(id, { after, limit: PAGE, status }, signal);
  const exact = await ask(id, { custom_id: words, status }, signal);
  if (exact.rows.length) return { ...exact, isIncomplete: false };
  const needle = words.toLowerCase();
  let page = { rows: /** @type {any[]} */ ([]), last: after, isIncomplete: true };
  while (page.isIncomplete && page.rows.length < PAGE) {
    const next = await ask(id, { after: page.last, limit: SEARCHED, status }, signal);
    const fits = next.rows.filter((row) => JSON.stringify(row).toLowerCase().includes(needle));
    if (next.last === page.last) return { ...page, isIncomplete: false };
    page = { rows: [...page.rows, ...fits], last: next.last, isIncomplete: next.isIncomplete };
  }
  return page;
}

async function ask(id, parameters, signal) {
  const response = await fetchApi(`/batches/${id}/results${query(parameters)}`, { signal });
  return {
    rows: parseLines(await response.text()),
    last: Number(response.headers.get("x-last-line")),
    isIncomplete: response.headers.get("x-incomplete") === "true",
  };
}

/** The requests of `rows` by custom_id, which come some time after them. */
function useRequests(batch, rows, after) {
  const reader = useMemo(() => new RequestReader(batch.input_file_id), [batch.input_file_id]);
  const [requests, setRequests] = useState(new Map());
  const ids = rows.map((row) => row.custom_id);
  useEffect(() => {
    const missing = ids.filter((id) => !requests.has(id));
    if (!batch.input_file_id || !missing.length) return undefined;
    const abort = new AbortController();
    reader.find(ids, after, abort.signal).then(setRequests, () => {});
    return () => abort.abort();
  }, [after, ids.join("\n")]);
  return requests;
}

function nothing(batch, page, words, only) {
  const isAtEnd = page.isIncomplete && batch.progress?.results_at_end;
  if (words) return isAtEnd ? `No result has this id yet. ${AT_END}` : "No result has these words.";
  if (isAtEnd) return `${AT_END} Look one up by its custom_id.`;
  if (page.isIncomplete) return "No result in order yet. They are shown here as they come.";
  return only === "failed" ? "Nothing failed." : "There are no results.";
}

function Tools({ only, setOnly, words, setWords, batch }) {
  const submit = (event) => {
    event.preventDefault();
    setWords(textOf(new FormData(event.target), "words"));
  };
  const choices = [["", "All"], ["succeeded", "Succeeded"], ["failed", `Failed (${count(batch.request_counts.failed)})`]];
  return html`<div class="filters">
    <div class="choices" role="group" aria-label="Which results">
      ${choices.map(([value, title]) => html`<button class="plain" aria-pressed=${String(value === only)}
        onClick=${() => setOnly(value)}>${title}</button>`)}
    </div>
    <form role="search" onSubmit=${submit}><label>Search results
      <input name="words" type="search" placeholder="custom_id or text, then Enter" defaultValue=${words} /></label></form>
  </div>`;
}

function Table({ rows, requests, open, setOpen }) {
  return html`<table class="list results" aria-label="Results">
    <thead><tr><th scope="col">custom_id</th><th scope="col">Result</th><th scope="col">Request</th><th scope="col">Answer</th></tr></thead>
    <tbody>${rows.map((row, index) => html`<${Row} key=${row.custom_id} row=${row} request=${requests.get(row.custom_id)}
      isOpen=${index === open} onOpen=${() => setOpen(index)} />`)}</tbody>
  </table>`;
}

function Row({ row, request, isOpen, onOpen }) {
  const error = errorOf(row);
  return html`<tr class=${isOpen ? "open" : ""}>
    <td><button class="plain link" onClick=${onOpen}>${row.custom_id ?? "(lost)"}</button></td>
    <td><span class=${`pill ${error ? "bad" : "good"}`}>${error ? error.code : "Succeeded"}</span></td>
    <td class="text">${questionOf(request).slice(0, 300) || html`<span class="none">…</span>`}</td>
    <td class="text">${(error ? error.message : answerOf(row)).slice(0, 300)}</td>
  </tr>`;
}
