// A file on its way to the service, in parts: it can be cancelled, and goes on where it broke off.

import { callApi } from "./api.js";

const PART = 4 << 20;

export class Upload {
  /** `tell({sent, total, seconds})` is called as parts arrive; `seconds` are those spent sending. */
  constructor(blob, name, tell) {
    this.blob = blob;
    this.name = name;
    this.tell = tell;
    this.id = null;
    this.parts = [];
    this.seconds = 0;
    this.abort = new AbortController();
  }

  /** The file's id. Throws ApiError where it breaks off: call it again then. */
  async send() {
    this.abort = new AbortController();
    const signal = this.abort.signal;
    const { size } = this.blob;
    if (!this.id) {
      const body = { filename: this.name, purpose: "batch", bytes: size, mime_type: "application/jsonl" };
      this.id = (await callApi("/uploads", { method: "POST", body, signal })).id;
    }
    while (this.parts.length * PART < size) await this.sendPart(signal);
    const body = { part_ids: this.parts };
    const done = await callApi(`/uploads/${this.id}/complete`, { method: "POST", body, signal });
    return done.file.id;
  }

  async sendPart(signal) {
    const from = this.parts.length * PART;
    const form = new FormData();
    form.append("data", this.blob.slice(from, from + PART), "part");
    const began = performance.now();
    const part = await callApi(`/uploads/${this.id}/parts`, { method: "POST", body: form, signal });
    this.seconds += (performance.now() - began) / 1000;
    this.parts.push(part.id);
    this.tell({ sent: Math.min(from + PART, this.blob.size), total: this.blob.size, seconds: this.seconds });
  }

  cancel() {
    this.abort.abort();
    if (this.id) callApi(`/uploads/${this.id}/cancel`, { method: "POST" }).catch(() => {});
  }
}
