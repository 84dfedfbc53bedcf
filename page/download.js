// Files of the service, and texts made here, onto the person's disk.

import { fetchApi } from "./api.js";
import { writeCsv } from "./csv.js";
import { answerOf, errorOf, parseLines, questionOf, tokensOf } from "./result_lines.js";

const HEADINGS = ["custom_id", "result", "request", "answer", "error", "input_tokens", "output_tokens"];

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const saveText = (text, name, type = "text/plain") => save(new Blob([text], { type }), name);

export async function saveFile(fileId, name) {
  save(await (await fetchApi(`/files/${fileId}/content`)).blob(), name);
}

/** Both result files of an ended batch, with their requests, as one table in the order of the input. */
export async function saveTable(batch) {
  const read = async (id) => (id ? parseLines(await (await fetchApi(`/files/${id}/content`)).text()) : []);
  const [output, errors, input] = await Promise.all([
    read(batch.output_file_id),
    read(batch.error_file_id),
    read(batch.input_file_id).catch(() => []),
  ]);
  const requests = new Map(input.map((request, at) => [request.custom_id, { request, at }]));
  const place = (line) => requests.get(line.custom_id)?.at ?? Infinity;
  const lines = [...output, ...errors].sort((one, other) => place(one) - place(other));
  const rows = lines.map((line) => tableRow(line, requests.get(line.custom_id)?.request));
  saveText(writeCsv([HEADINGS, ...rows]), `${batch.id}.csv`, "text/csv");
}

function tableRow(line, request) {
  const error = errorOf(line);
  const tokens = tokensOf(line);
  const result = error ? error.code : "succeeded";
  return [line.custom_id, result, questionOf(request), error ? "" : answerOf(line), error?.message, tokens.in, tokens.out];
}
