// OpenAI's Batch guide, call by call, in its JavaScript: `node how_to.mjs URL KEY`. Only the pauses are shorter.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import OpenAI from "openai";

const [URL, KEY] = process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "how-to-"));
const input = path.join(folder, "batchinput.jsonl");

function chat(customId, question) {
  const body = { model: "m", messages: [{ role: "user", content: question }], max_tokens: 1000 };
  return { custom_id: customId, method: "POST", url: "/v1/chat/completions", body };
}

async function guide() {
  const openai = new OpenAI({ baseURL: `${URL}/v1`, apiKey: KEY });
  const lines = [chat("request-1", "Hello world!"), chat("request-2", "Hello again!")];
  fs.writeFileSync(input, lines.map((line) => JSON.stringify(line) + "\n").join(""));
  const file = await openai.files.create({ file: fs.createReadStream(input), purpose: "batch" });
  let batch = await openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    metadata: { description: "nightly eval job" },
  });
  while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    batch = await openai.batches.retrieve(batch.id);
  }
  const fileContents = await (await openai.files.content(batch.output_file_id)).text();
  const results = fileContents.trim().split("\n").map(JSON.parse);
  const second = await openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const cancelled = await openai.batches.cancel(second.id);
  const list = await openai.batches.list({ limit: 10 });
  return {
    status: batch.status,
    metadata: batch.metadata,
    answers: Object.fromEntries(
      results.map((result) => [result.custom_id, result.response.body.choices[0].message.content]),
    ),
    downloaded: results.length,
    cancelled: cancelled.status,
    listed: list.data[0].id === second.id && list.data[1].id === batch.id,
  };
}

try {
  console.log(JSON.stringify({ openai_guide: await guide() }));
} finally {
  fs.rmSync(folder, { recursive: true });
}
