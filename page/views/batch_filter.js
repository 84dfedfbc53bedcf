// Filters of the list of batches. They stand in the address, so that a view can be sent to somebody.

import { STATUSES } from "../batch_facts.js";
import { html, textOf } from "../html.js";
import { Choice } from "../parts/small.js";
import { goTo } from "../route.js";

const DAYS = [
  ["", "any time"],
  ["1", "the last day"],
  ["7", "the last 7 days"],
  ["30", "the last 30 days"],
];
const words = (status) => status[0].toUpperCase() + status.slice(1).replace("_", " ");

/** `values` as they stand in the address; `asked` are parameters of the service's list. */
export function readFilter(search) {
  const [status, days, pair, model, order] = ["status", "days", "metadata", "model", "order"].map(
    (name) => search.get(name) ?? "",
  );
  const [key, value] = split(pair);
  const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
  return {
    values: { status, days, metadata: pair, model, order },
    isSet: Boolean(status || days || pair || model),
    isActiveFirst: !status && order !== "asc",
    asked: {
      status,
      model,
      order,
      created_after: days && midnight - (Number(days) - 1) * 86400 - 1,
      ...(value ? { [`metadata[${key}]`]: value } : {}),
    },
  };
}

const split = (pair) => pair.split(/[=:](.*)/s, 2).map((part) => part.trim());

/** What is typed into a field stays while the list below it is renewed. */
export function BatchFilter({ filter, models, onChange }) {
  const { values } = filter;
  const set = (name) => (event) => onChange({ ...values, [name]: event.target.value.trim() });
  const find = (event) => {
    event.preventDefault();
    const id = textOf(new FormData(event.target), "id");
    if (id) goTo(["batches", id]);
  };
  return html`<div class="filters">
    <${Choice} label="Status" value=${values.status} onChange=${set("status")}
      options=${[["", "any"], ...STATUSES.map((status) => [status, words(status)])]} />
    <${Choice} label="Model" value=${values.model} onChange=${set("model")}
      options=${[["", "any"], ...models.map((model) => [model, model])]} />
    <${Choice} label="Created" value=${values.days} onChange=${set("days")} options=${DAYS} />
    <${Choice} label="Order" value=${values.order} onChange=${set("order")}
      options=${[["", "active first, then newest"], ["asc", "oldest first"]]} />
    <label>Metadata<input key=${values.metadata} defaultValue=${values.metadata} placeholder="team=red" onChange=${set("metadata")} /></label>
    <form onSubmit=${find}><label>Batch id<input name="id" placeholder="batch_…" spellcheck=${false} /></label></form>
    ${filter.isSet && html`<button class="plain" onClick=${() => onChange({})}>Clear</button>`}
  </div>`;
}
