// What the npm SDK sees of a live service: `node flow.mjs URL KEY KIND...`. Prints one JSON object in the shape of flow.py's.
// It asserts nothing; a step that throws shows as {"raised": ...}.

import OpenAI, { AzureOpenAI, toFile } from "openai";

const [URL, KEY, ...KINDS] = process.argv.slice(2);
const ENDED = ["completed", "failed", "expired", "cancelled"];
const CLIENTS = {
  openai: (options) => new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY, ...options }),
  azure: (options) => new AzureOpenAI({ endpoint: URL, apiKey: KEY, apiVersion: "2024-10-21", ...options }),
  azure_v1: (options) => new OpenAI({ baseURL: `${URL}/openai/v1/`, apiKey: KEY, ...options }),
};

const line = (number, text = "hello", changes = {}) => ({
  custom_id: `c${number}`,
  method: "POST",
  url: "/v1/chat/completions",
  body: { model: "m", messages: [{ role: "user", content: text }] },
  ...changes,
});
const jsonl = (...lines) => Buffer.from(lines.map((each) => JSON.stringify(each) + "\n").join(""));
const numbers = (count) => Array.from({ length: count }, (_, number) => number);

async function collect(pages) {
  const items = [];
  for await (const item of pages) items.push(item.id);
  return items;
}

async function refused(call) {
  try {
    await call();
  } catch (error) {
    const { status, code, param, type } = error;
    return {
      class: error.constructor.name,
      status,
      message: error.error?.message,
      code,
      param,
      type,
      text: error.message,
      request_id: error.requestID,
    };
  }
  return null;
}

class Flow {
  constructor(kind) {
    this.build = CLIENTS[kind];
    this.client = this.build();
  }

  async upload(lines, name = "input.jsonl", options = {}) {
    return this.client.files.create({ file: await toFile(jsonl(...lines), name), purpose: "batch", ...options });
  }

  create(fileId, options = {}) {
    return this.client.batches.create({
      input_file_id: fileId,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      ...options,
    });
  }

  async wait(batch) {
    const until = Date.now() + 60_000;
    while (!ENDED.includes(batch.status)) {
      if (Date.now() > until) throw new Error(`still ${batch.status}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      batch = await this.client.batches.retrieve(batch.id);
    }
    return batch;
  }

  async lines(fileId) {
    if (!fileId) return [];
    const text = await (await this.client.files.content(fileId)).text();
    return text.split("\n").filter(Boolean).map(JSON.parse);
  }

  steps = {
    upload: async () => {
      const lines = [line(1), line(2, "[[status=400]] no"), line(3)];
      this.file = await this.upload(lines, "input.jsonl", {
        expires_after: { anchor: "created_at", seconds: 1_209_600 },
      });
      return { file: this.file, ready: (await this.client.files.retrieve(this.file.id)).status };
    },

    create: async () => {
      const { data, response, request_id } = await this.create(this.file.id, {
        metadata: { made: "by hand" },
        output_expires_after: { anchor: "created_at", seconds: 1_209_600 },
      }).withResponse();
      this.batch = data;
      return { batch: data, status: response.status, request_id, on_model: data._request_id };
    },

    poll: async () => {
      this.batch = await this.wait(this.batch);
      const { output_file_id, error_file_id } = this.batch;
      return {
        batch: this.batch,
        output: await this.lines(output_file_id),
        output_file: await this.client.files.retrieve(output_file_id),
        error: await this.lines(error_file_id),
        error_file: await this.client.files.retrieve(error_file_id),
      };
    },

    content: async () => {
      const whole = Buffer.from(await (await this.client.files.content(this.file.id)).arrayBuffer());
      const pieces = [];
      for await (const piece of (await this.client.files.content(this.file.id)).body) pieces.push(piece);
      return { bytes: whole.length, same: whole.equals(Buffer.concat(pieces)), sent: this.file.bytes };
    },

    page_batches: async () => {
      const made = [];
      for (const _ of numbers(3)) made.push((await this.create(this.file.id)).id);
      const first = await this.client.batches.list({ limit: 2 });
      const second = await first.getNextPage();
      return {
        made,
        listed: await collect(this.client.batches.list({ limit: 5 })),
        pages: [...first.data, ...second.data].map((batch) => batch.id),
      };
    },

    page_files: async () => {
      const made = [];
      for (const number of numbers(3)) made.push((await this.upload([line(1)], `${number}.jsonl`)).id);
      return {
        made,
        listed: await collect(this.client.files.list({ purpose: "batch" })),
        paged: await collect(this.client.files.list({ purpose: "batch", limit: 2 })),
        results: await collect(this.client.files.list({ purpose: "batch_output" })),
      };
    },

    inline: async () => {
      const requests = numbers(2).map((n) => ({ custom_id: `c${n + 1}`, body: line(n + 1).body }));
      const common = { model: "m", body: { max_tokens: 5 } };
      const bad = [...requests, { custom_id: "c3" }];
      const failed = await this.wait(await this.create(undefined, { ...common, requests: bad }));
      const ended = await this.wait(await this.create(undefined, { ...common, requests }));
      return {
        custom_ids: (await this.lines(ended.output_file_id)).map((entry) => entry.custom_id),
        input: await this.lines(ended.input_file_id),
        errors: failed.errors.data.map((error) => [error.code, error.line, error.param]),
      };
    },

    cancel: async () => {
      const file = await this.upload(numbers(300).map((number) => line(number, "[[latency=300]] x")));
      let batch = await this.create(file.id);
      while (batch.status === "validating") {
        await new Promise((resolve) => setTimeout(resolve, 50));
        batch = await this.client.batches.retrieve(batch.id);
      }
      const cancelled = await this.client.batches.cancel(batch.id);
      const ended = await this.wait(cancelled);
      const again = await this.client.batches.cancel(batch.id);
      const lines = [...(await this.lines(ended.output_file_id)), ...(await this.lines(ended.error_file_id))];
      return {
        answer: cancelled.status,
        ended: ended.status,
        again: again.status,
        custom_ids: lines.map((each) => each.custom_id).sort(),
      };
    },

    fail: async () => {
      const file = await this.upload([line(1), line(2, "hello", { url: "/v1/other" }), { custom_id: "c3" }]);
      const ended = await this.wait(await this.create(file.id));
      return {
        status: ended.status,
        errors: ended.errors.data.map((error) => [error.code, error.line, error.param]),
        files: [ended.output_file_id, ended.error_file_id],
      };
    },

    errors: async () => {
      const { batches, files } = this.client;
      const stranger = this.build({ apiKey: "wrong" });
      const since = Date.now();
      const cancelEnded = await refused(() => batches.cancel(this.batch.id));
      const took = Date.now() - since;
      return {
        unknown_batch: await refused(() => batches.retrieve("batch_none")),
        unknown_batch_cancel: await refused(() => batches.cancel("batch_none")),
        unknown_file: await refused(() => files.retrieve("file-none")),
        unknown_content: await refused(() => files.content("file-none")),
        cancel_ended: { ...cancelEnded, took },
        endpoint: await refused(() => this.create(this.file.id, { endpoint: "/v1/invalid/endpoint" })),
        window: await refused(() => this.create(this.file.id, { completion_window: "1h" })),
        metadata: await refused(() => this.create(this.file.id, { metadata: { tags: ["a"] } })),
        extension: await refused(() => this.upload([line(1)], "input.txt")),
        empty: await refused(() => this.upload([])),
        purpose: await refused(() => this.upload([line(1)], "a.jsonl", { purpose: "vector_store" })),
        limit: await refused(() => batches.list({ limit: 101 })),
        unauthenticated: await refused(() => stranger.files.list()),
      };
    },

    uploads: async () => {
      const data = jsonl(...numbers(20).map((number) => line(number)));
      const about = { purpose: "batch", mime_type: "application/jsonl" };
      const upload = await this.client.uploads.create({ filename: "parts.jsonl", bytes: data.length, ...about });
      const parts = [];
      for (const half of [data.subarray(0, 700), data.subarray(700)]) {
        parts.push((await this.client.uploads.parts.create(upload.id, { data: await toFile(half) })).id);
      }
      const done = await this.client.uploads.complete(upload.id, { part_ids: parts });
      const ended = await this.wait(await this.create(done.file.id));
      const other = await this.client.uploads.create({ filename: "b.jsonl", bytes: 9, ...about });
      return {
        pending: upload.status,
        completed: done.status,
        same: data.equals(Buffer.from(await (await this.client.files.content(done.file.id)).arrayBuffer())),
        batch: ended.status,
        cancelled: (await this.client.uploads.cancel(other.id)).status,
      };
    },

    delete: async () => ({
      answer: await this.client.files.delete(this.file.id),
      again: await refused(() => this.client.files.delete(this.file.id)),
      batch: (await this.client.batches.retrieve(this.batch.id)).status,
    }),
  };
}

const clients = {};
for (const kind of KINDS) {
  const flow = new Flow(kind);
  clients[kind] = {};
  for (const [name, step] of Object.entries(flow.steps)) {
    try {
      clients[kind][name] = await step();
    } catch (error) {
      clients[kind][name] = { raised: error.stack };
    }
  }
}
console.log(JSON.stringify({ version: OpenAI.VERSION ?? "", clients }));
