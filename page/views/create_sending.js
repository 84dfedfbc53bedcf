// A file on its way: how far, how fast; cancel, and go on where it broke off.

import { bytes, duration } from "../format.js";
import { html, useEffect, useMemo, useState } from "../html.js";
import { Problem } from "../parts/small.js";
import { Upload } from "../upload.js";

export function Sending({ blob, name, onDone, onCancel }) {
  const [progress, setProgress] = useState({ sent: 0, total: blob.size, seconds: 0 });
  const [error, setError] = useState(null);
  const upload = useMemo(() => new Upload(blob, name.replace(/\.\w+$/, ".jsonl"), setProgress), [blob]);
  const send = () => {
    setError(null);
    upload.send().then(onDone, (problem) => problem.name !== "AbortError" && setError(problem));
  };
  useEffect(send, [upload]);
  const cancel = () => {
    upload.cancel();
    onCancel();
  };
  const { sent, total, seconds } = progress;
  const rate = seconds > 0 ? sent / seconds : 0;
  const speed = rate ? `, ${bytes(rate)}/s${sent < total ? `, ${duration((total - sent) / rate)} left` : ""}` : "";
  return html`<div class="sending">
    <label for="sending">Uploading ${name}</label>
    <progress id="sending" max=${total} value=${sent}></progress>
    <p class="muted">${bytes(sent)} of ${bytes(total)}${speed}</p>
    <${Problem} error=${error} title="The upload broke off." />
    <p class="buttons">
      <button type="button" onClick=${cancel}>Cancel the upload</button>
      ${error && html`<button type="button" class="main" onClick=${send}>Go on from ${bytes(sent)}</button>`}
    </p>
  </div>`;
}
