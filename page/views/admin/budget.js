// What may be spent, by a project or by all together: the limit, what is used of it, and how to change it.

import { callApi } from "../../api.js";
import { money } from "../../format.js";
import { html } from "../../html.js";
import { useLive } from "../../live.js";
import { useAct } from "../../parts/act.js";
import { Problem } from "../../parts/small.js";
import { ModelBudgets } from "./model_budgets.js";
import { MoneyFields, limitInWords, readLimit } from "./money_fields.js";

const NONE = 404;

/** `path` is of a project or of the organization, `none` what is said where there is no limit. */
export function Budget({ path, isOpen, title = "Budget", none, isByModel = false }) {
  const found = useLive((signal) => read(path, signal), () => 0, [path]);
  const limit = found.data?.limit;
  return html`<section aria-labelledby="budget"><h2 id="budget">${title}</h2>
    <${Problem} error=${found.error} title="The budget could not be read." onRetry=${found.reload} />
    ${limit && html`<${Standing} limit=${limit} />`}
    ${found.data && !limit && html`<p class="muted">${none}</p>`}
    ${found.data && isOpen && html`<${Change} key=${JSON.stringify(limit)} path=${path} limit=${limit} onDone=${found.reload} />`}
    ${limit && isOpen && isByModel && html`
      <${ModelBudgets} key=${JSON.stringify(limit.models)} path=${path} limit=${limit} onDone=${found.reload} />`}</section>`;
}

/** Where there is no limit, the answer is 404. */
async function read(path, signal) {
  try {
    return { limit: await callApi(`${path}/spend_limit`, { signal }) };
  } catch (error) {
    if (error.status === NONE) return { limit: null };
    throw error;
  }
}

function Standing({ limit }) {
  const most = limit.threshold_amount / 100;
  const title = limitInWords(limit);
  const used = limit.used.value;
  return html`<div class="budget"><p><strong>${title}</strong>${limit.enforcement.status === "enforcing" && html` <span class="pill bad">reached</span>`}</p>
    <meter min="0" max=${most} high=${most * 0.8} optimum="0" value=${used} aria-label=${title}></meter>
    <p class="muted">${money(used, limit.currency)} spent or reserved. ${limit.stops_batches ? "Batches that run are stopped when it is reached. " : ""}
      Days, weeks and months begin at midnight UTC.</p></div>`;
}

function Change({ path, limit, onDone }) {
  const { problem, act } = useAct(onDone);
  const set = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const models = limit?.models ? { models: limit.models } : {}; // This form does not ask for them, so they stay.
    const body = { ...models, ...readLimit(given), stops_batches: stops(given.get("stops"), limit) };
    act(() => callApi(`${path}/spend_limit`, { method: "POST", body }), "The budget holds for batches from now on.");
  };
  const remove = () => act(() => callApi(`${path}/spend_limit`, { method: "DELETE" }), "There is no budget any more.");
  return html`<form class="one-line" onSubmit=${set}>
    <${MoneyFields} id="amount" label="At most" limit=${limit} isNeeded=${true} />
    <label class="check"><input type="checkbox" name="stops" defaultChecked=${Boolean(limit?.stops_batches)} />Stop batches that run</label>
    <button>${limit ? "Change" : "Set"} the budget</button>
    ${limit && html`<button type="button" class="danger" onClick=${remove}>Take it away</button>`}</form>
    <${Problem} error=${problem} title="The budget was not changed." />`;
}

/** Where nobody has said it, the service's setting says it: what is not ticked then is not said either. */
const stops = (ticked, limit) => (ticked ? true : limit?.stops_batches == null ? null : false);
