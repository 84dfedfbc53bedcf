// Request lines and result lines of batches, whatever the endpoint and the dialect: what of them people read. Pure.

/** The lines of a JSONL text that are JSON objects. */
export const parseLines = (text) => text.split("\n").flatMap((line) => {
  try {
    return line.trim() ? [JSON.parse(line)] : [];
  } catch {
    return [];
  }
});

/** Code and message of a result line's error; null for one that succeeded. */
export function errorOf(result) {
  const status = result.response?.status_code;
  const inside = result.error ?? result.response?.body?.error ?? null;
  if (!result.error && status === 200) return null;
  const message = typeof inside === "string" ? inside : inside?.message ?? "";
  return { code: String(inside?.code ?? inside?.type ?? `status_${status}`), message, status: status ?? null };
}

/** The text of an answer; where it has none, its JSON. */
export function answerOf(result) {
  const body = result.response?.body;
  if (!body) return "";
  const chat = body.choices?.map((choice) => choice.message?.content ?? choice.text ?? json(choice.message));
  const output = body.output?.flatMap?.((item) => item.content?.map?.((part) => part.text ?? "") ?? []);
  return (chat ?? output)?.join("\n") || json(body);
}

/** The text of a request: its last message, or its input. */
export function questionOf(request) {
  const body = request?.body;
  if (!body) return "";
  const last = body.messages?.at(-1)?.content ?? body.input ?? body.prompt;
  if (typeof last === "string") return last;
  const parts = Array.isArray(last) ? last.map((part) => part?.text ?? part?.content ?? part) : null;
  return parts?.every((part) => typeof part === "string") ? parts.join("\n") : json(last ?? body);
}

export function tokensOf(result) {
  const usage = result.response?.body?.usage ?? {};
  return { in: usage.prompt_tokens ?? usage.input_tokens ?? "", out: usage.completion_tokens ?? usage.output_tokens ?? "" };
}

export const json = (value) => JSON.stringify(value, null, 2) ?? "";
