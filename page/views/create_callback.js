// Who is told when this batch has ended: an address of the person's own, and the secret by which it knows the call.

import { html } from "../html.js";
import { Id } from "../parts/small.js";

const SECRET_BYTES = 32;

export const newSecret = () => `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))))}`;

/** Both as they are typed: they count once the field is left, for then the service looks at them. */
export function Callback({ url, secret, onChange }) {
  const set = (name) => (event) => onChange({ [name]: event.target.value.trim() });
  return html`
    <div class="wide"><label for="new-callback">Call an address when it has ended</label>
      <input id="new-callback" type="url" defaultValue=${url} onChange=${set("callback")} placeholder="an address of your own server" spellcheck=${false}
        aria-describedby="callback-hint" />
      <p id="callback-hint" class="hint">For this batch alone; under Webhooks there are addresses for all of them.</p></div>
    ${url && html`<div class="wide"><label for="new-secret">Secret that signs the call</label>
      <div class="row"><input id="new-secret" key=${secret} defaultValue=${secret} onChange=${set("secret")} placeholder="none: the call is not signed"
          autocomplete="off" spellcheck=${false} aria-describedby="secret-hint" />
        ${secret ? html`<${Id} id=${secret} what="secret" isHidden=${true} />`
          : html`<button type="button" onClick=${() => onChange({ secret: newSecret() })}>Make one</button>`}</div>
      <p id="secret-hint" class="hint">Give it to your receiver now: it is not shown again.</p></div>`}`;
}
