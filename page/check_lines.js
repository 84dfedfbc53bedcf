// A first look at a batch file, before it is sent: what is wrong with its first lines. The service checks all of them.

const LOOKED_AT = 256 << 10;
const MOST_LINES = 200;
const MOST_PROBLEMS = 10;

/** `{problems: [{line, text}], endpoint, model, lines, isWhole}` of the beginning of `blob`. */
export async function lookAt(blob, models) {
  const start = new Uint8Array(await blob.slice(0, LOOKED_AT).arrayBuffer());
  const strange = strangeBytes(start);
  if (strange) return { problems: [{ line: 1, text: strange }], endpoint: null, model: null, lines: 0, isWhole: false };
  const isWhole = blob.size <= LOOKED_AT;
  const lines = new TextDecoder().decode(start).split("\n");
  if (!isWhole) lines.pop();
  const seen = new Map();
  const problems = [];
  /** @type {any} */
  let first = null;
  let looked = 0;
  for (const [index, text] of lines.slice(0, MOST_LINES).entries()) {
    if (!text.trim()) continue;
    looked += 1;
    const request = parse(text);
    first ??= request;
    const found = problemOf(request, text, first, models, seen);
    if (found) problems.push({ line: index + 1, text: found });
    if (request?.custom_id) seen.set(request.custom_id, index + 1);
    if (problems.length === MOST_PROBLEMS) break;
  }
  if (!looked) problems.push({ line: 1, text: "The file is empty." });
  return { problems, endpoint: first?.url ?? null, model: first?.body?.model ?? null, lines: looked, isWhole: isWhole && looked < MOST_LINES };
}

function strangeBytes(start) {
  if (start[0] === 0x1f && start[1] === 0x8b) return "This is a gzip archive: unpack it first.";
  if (start[0] === 0x50 && start[1] === 0x4b) return "This is a ZIP archive or an Excel workbook: save it as CSV or JSONL.";
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) return "This is UTF-16: save it as UTF-8.";
  if (start[0] === 0xef && start[1] === 0xbb) return "It begins with a byte order mark: save it as UTF-8 without one.";
  return start[0] === 0x5b ? "This is one JSON array: write one object to each line." : "";
}

function problemOf(request, text, first, models, seen) {
  if (!request) return `This is not a JSON object: ${text.slice(0, 60)}`;
  if (typeof request.custom_id !== "string" || !request.custom_id) return "custom_id is missing: it names this request's answer.";
  if (seen.has(request.custom_id)) return `custom_id ${request.custom_id} is that of line ${seen.get(request.custom_id)}, too.`;
  if (!request.body || typeof request.body !== "object") return "body is missing: wrap the request as {custom_id, method, url, body}.";
  if (request.url !== first.url) return `url is ${request.url}, the first line's is ${first.url}: one batch has one.`;
  if (request.body.stream) return "stream cannot be used in a batch: leave it out.";
  if (request.body.model !== first.body?.model) return `model is ${request.body.model}, the first line's is ${first.body?.model}.`;
  if (!models.includes(request.body.model)) return `model ${request.body.model} is none that your key may use: ${models.join(", ")}.`;
  return "";
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
