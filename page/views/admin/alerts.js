// Amounts at which the operator is told. They stop nothing.

import { callApi } from "../../api.js";
import { html, textOf } from "../../html.js";
import { useLive } from "../../live.js";
import { useAct } from "../../parts/act.js";
import { Problem } from "../../parts/small.js";
import { MoneyFields, limitInWords, readLimit } from "./money_fields.js";

const MOST = 20;
const ALL = "/organization"; // No project is told what all have spent together.

/** `path` is of a project or of the organization. */
export function Alerts({ path, isOpen }) {
  const found = useLive((signal) => callApi(`${path}/spend_alerts?limit=${MOST}&order=asc`, { signal }), () => 0, [path]);
  const { problem, act } = useAct(found.reload);
  const add = (event) => {
    event.preventDefault();
    const form = event.target;
    const given = new FormData(form);
    const recipients = textOf(given, "recipients").split(/[\s,;]+/).filter(Boolean);
    const body = { ...readLimit(given), notification_channel: { type: "email", recipients } };
    act(() => callApi(`${path}/spend_alerts`, { method: "POST", body }).then(() => form.reset()), "It is told from now on.");
  };
  const remove = (alert) => act(() => callApi(`${path}/spend_alerts/${alert.id}`, { method: "DELETE" }), "It is told no more.");
  const alerts = found.data?.data ?? [];
  return html`<section aria-labelledby="alerts"><h2 id="alerts">Alerts</h2>
    <p class="muted">When so much is spent or reserved, a line in the service's log says so; on Azure the operator gets it by mail.
      ${path !== ALL && " Webhooks of the project that ask for it are told as well."}${" "}Nothing is stopped.</p>
    <${Problem} error=${found.error} title="The alerts could not be read." onRetry=${found.reload} />
    ${alerts.length > 0 && html`<ul class="alerts" aria-label="Alerts">${alerts.map((alert) => html`<li key=${alert.id}>
      <strong>${limitInWords(alert)}</strong>
      <span class="muted">${[alert.notification_channel.recipients.join(", "),
        alert.told_for && `told for the ${windowOf(alert)}`].filter(Boolean).join("; ")}</span>
      ${isOpen && html`<button class="danger" onClick=${() => remove(alert)}
        aria-label=${`Remove the alert at ${limitInWords(alert)}`}>Remove</button>`}</li>`)}</ul>`}
    ${isOpen && html`<form class="one-line" onSubmit=${add}>
      <${MoneyFields} id="alert-amount" label="Tell at" isNeeded=${true} />
      <input name="recipients" aria-label="Who shall know, by mail address" placeholder="lead@example.com" />
      <button>Add the alert</button></form>`}
    <${Problem} error=${problem} title="The alerts were not changed." /></section>`;
}

const windowOf = ({ interval, told_for: day }) => (interval === "total" ? "whole time" : `${interval} of ${day}`);
