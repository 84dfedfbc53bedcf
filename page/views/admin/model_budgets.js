// What a project may spend on single models, of what it may spend in all.

import { callApi } from "../../api.js";
import { html, textOf } from "../../html.js";
import { useLive } from "../../live.js";
import { useAct } from "../../parts/act.js";
import { Problem } from "../../parts/small.js";
import { MoneyFields, limitInWords, readLimit } from "./money_fields.js";

/** Only beside a limit of the whole project, whose terms stay as they are. */
export function ModelBudgets({ path, limit, onDone }) {
  const known = useLive((signal) => callApi("/models", { signal }), () => 0, [path]);
  const { problem, act } = useAct(onDone);
  const single = limit.models ?? {};
  const save = (models, done) => {
    const { currency, interval, threshold_amount, stops_batches } = limit;
    act(() => callApi(`${path}/spend_limit`, { method: "POST", body: { currency, interval, threshold_amount, stops_batches, models } }), done);
  };
  const set = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    save({ ...single, [textOf(given, "model")]: readLimit(given) }, "The budget of the model holds for batches from now on.");
  };
  const remove = (model) => {
    const { [model]: _, ...others } = single;
    save(others, `Nothing but the project's budget limits what is spent on ${model}.`);
  };
  return html`<${Listed} single=${single} onRemove=${remove} />
    ${known.data && html`<form class="one-line" onSubmit=${set}>
      <${MoneyFields} id="model-amount" label="Of it up to" isNeeded=${true} />
      <label for="model-budget">on</label>
      <select id="model-budget" name="model">${known.data.data.map(({ id }) => html`<option key=${id} value=${id}>${id}</option>`)}</select>
      <button>Set the model's budget</button></form>`}
    <${Problem} error=${known.error} title="The models could not be read." onRetry=${known.reload} />
    <${Problem} error=${problem} title="The model's budget was not changed." />`;
}

const Listed = ({ single, onRemove }) => Object.keys(single).length > 0 && html`<ul class="alerts" aria-label="Budgets of single models">
  ${Object.entries(single).map(([model, each]) => html`<li key=${model}><span>${limitInWords(each)} on ${model}</span>
    <button class="danger" aria-label=${`Remove the budget of ${model}`} onClick=${() => onRemove(model)}>Remove</button></li>`)}</ul>`;
