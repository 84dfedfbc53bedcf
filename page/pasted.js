// What somebody pasted, as a file: JSON Lines or a JSON array of requests, or prompts, one to a line. Pure.
//
// Rule of this file: what a request does not say is filled in, what it says is kept; a line that is no JSON stays as it
// is, so that the look at the file names it.

const ENDPOINT = "/v1/chat/completions";
const OF_A_REQUEST = ["custom_id", "method", "url", "body", "params"];

/** A text file of prompts, or a JSONL file. `models` are those the key may use: an only one needs no naming. */
export function pastedFile(text, models) {
  const trimmed = text.trim();
  if (!/^[{[]/.test(trimmed)) return new File([`${trimmed}\n`], "Pasted prompts.txt");
  const lines = elements(trimmed).map((each, index) => `${typeof each === "string" ? each : JSON.stringify(whole(each, index + 1, models))}\n`);
  return new File(lines, "Pasted requests.jsonl");
}

/** Objects of the array, or of the lines; a line that is no JSON is its text. */
function elements(text) {
  const all = parsed(text);
  if (Array.isArray(all)) return all.map((each) => (isObject(each) ? each : JSON.stringify(each)));
  if (isObject(all)) return [all];
  return text.split(/\r?\n/).filter((line) => line.trim()).map((line) => {
    const one = parsed(line);
    return isObject(one) ? one : line;
  });
}

/** A request line; an object that has nothing of one is the body of one. */
function whole(given, number, models) {
  const isBare = !OF_A_REQUEST.some((name) => name in given);
  const { params, ...rest } = isBare ? { body: given } : given;
  const body = rest.body ?? params;
  const model = models.length === 1 && isObject(body) && !("model" in body) ? { model: models[0] } : {};
  return { custom_id: `row-${number}`, method: "POST", url: ENDPOINT, ...rest, body: isObject(body) ? { ...model, ...body } : body };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
