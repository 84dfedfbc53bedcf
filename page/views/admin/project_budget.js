// What a project may spend: the limit, what is used of it, and how to change it.

import { callApi } from "../../api.js";
import { money } from "../../format.js";
import { html, useState } from "../../html.js";
import { useLive } from "../../live.js";
import { Problem } from "../../parts/small.js";
import { say } from "../../parts/toasts.js";

const INTERVALS = [["day", "a day"], ["week", "a week"], ["month", "a month"], ["total", "in all"]];
const NONE = 404;

export function ProjectBudget({ path, isOpen }) {
  const found = useLive((signal) => read(path, signal), () => 0, [path]);
  const limit = found.data?.limit;
  return html`<section aria-labelledby="budget"><h2 id="budget">Budget</h2>
    <${Problem} error=${found.error} title="The budget could not be read." onRetry=${found.reload} />
    ${limit && html`<${Standing} limit=${limit} />`}
    ${found.data && !limit && html`<p class="muted">Nothing limits what this project spends.</p>`}
    ${found.data && isOpen && html`<${Change} path=${path} limit=${limit} onDone=${found.reload} />`}</section>`;
}

/** A project without a limit is answered 404. */
async function read(path, signal) {
  try {
    return { limit: await callApi(`${path}/spend_limit`, { signal }) };
  } catch (error) {
    if (error.status === NONE) return { limit: null };
    throw error;
  }
}

function Standing({ limit }) {
  const [, interval] = INTERVALS.find(([name]) => name === limit.interval);
  const most = limit.threshold_amount / 100;
  const title = `${money(most, limit.currency)} ${interval}`;
  const used = limit.used.value;
  return html`<div class="budget"><p><strong>${title}</strong>${limit.enforcement.status === "enforcing" && html` <span class="pill bad">reached</span>`}</p>
    <meter min="0" max=${most} high=${most * 0.8} optimum="0" value=${used} aria-label=${title}></meter>
    <p class="muted">${money(used, limit.currency)} spent or reserved. ${limit.stops_batches ? "Batches that run are stopped when it is reached. " : ""}
      Days, weeks and months begin at midnight UTC.</p></div>`;
}

/** What this form does not ask for stays as it was. */
const kept = (limit) => Object.fromEntries(["models", "stops_batches"].filter((name) => limit?.[name] != null).map((name) => [name, limit[name]]));

function Change({ path, limit, onDone }) {
  const [problem, setProblem] = useState(null);
  const act = async (call, done) => {
    try {
      await call();
      say(done);
      setProblem(null);
      onDone();
    } catch (error) {
      setProblem(error);
    }
  };
  const set = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.target));
    const body = { ...kept(limit), currency: given.currency.toUpperCase(), interval: given.interval, threshold_amount: Math.round(given.amount * 100) };
    act(() => callApi(`${path}/spend_limit`, { method: "POST", body }), "The budget holds for batches from now on.");
  };
  const remove = () => act(() => callApi(`${path}/spend_limit`, { method: "DELETE" }), "There is no budget any more.");
  return html`<form class="one-line" onSubmit=${set}>
    <label for="amount">At most</label>
    <input id="amount" name="amount" type="number" min="0" step="0.01" required value=${limit ? limit.threshold_amount / 100 : ""} />
    <input name="currency" aria-label="Currency" required maxlength="3" size="3" value=${limit?.currency ?? "USD"} />
    <select name="interval" aria-label="Per">${INTERVALS.map(([value, title]) => html`<option value=${value}
      selected=${value === (limit?.interval ?? "month")}>${title}</option>`)}</select>
    <button>${limit ? "Change" : "Set"} the budget</button>
    ${limit && html`<button type="button" class="danger" onClick=${remove}>Take it away</button>`}</form>
    <${Problem} error=${problem} title="The budget was not changed." />`;
}
