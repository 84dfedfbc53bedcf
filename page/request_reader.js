// Reads requests out of an input file, forward and in pieces, so that results can stand beside them.
//
// Rule of this file: results come in the order of the input, so what is before a page is passed over unread, and where
// its pieces begin is remembered: whoever goes on, back or far ahead reads from there. A search for one page ends after
// `MOST_BYTES`: a person is not made to wait for the whole of a large file.

import { fetchApi } from "./api.js";

const PIECE = 1 << 20;
const MOST_BYTES = 48 << 20;
const NEWLINE = 10;

export class RequestReader {
  constructor(fileId) {
    this.fileId = fileId;
    this.marks = [{ line: 0, offset: 0 }]; // Where lines begin, and how many are before.
  }

  /** The requests of these custom_ids by id, as far as they are found past line `after`. */
  async find(customIds, after, signal) {
    const wanted = new Set(customIds);
    const found = new Map();
    let { line, offset } = this.marks.findLast((mark) => mark.line <= after) ?? this.marks[0];
    const until = offset + MOST_BYTES;
    let rest = new Uint8Array(0);
    let isOver = false;
    while (found.size < wanted.size && !isOver && offset < until) {
      const { bytes, size } = await this.read(offset, signal);
      offset += bytes.length;
      isOver = offset >= size || !bytes.length;
      const whole = joined(rest, bytes);
      let start = 0;
      for (const [begin, end] of linesOf(whole, isOver)) {
        line += 1;
        start = Math.min(end + 1, whole.length);
        if (line > after) take(whole.subarray(begin, end), wanted, found);
        if (found.size === wanted.size) break;
      }
      rest = whole.slice(start);
      this.mark(line, offset - rest.length);
    }
    return found;
  }

  mark(line, offset) {
    if (line > this.marks[this.marks.length - 1].line) this.marks.push({ line, offset });
  }

  async read(offset, signal) {
    const headers = { range: `bytes=${offset}-${offset + PIECE - 1}` };
    const response = await fetchApi(`/files/${this.fileId}/content`, { headers, signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { bytes, size: Number(response.headers.get("content-range")?.split("/")[1] ?? bytes.length) };
  }
}

/** Where lines begin and end; a last one without an end counts where the file is over. */
function* linesOf(bytes, isOver) {
  let begin = 0;
  while (begin < bytes.length) {
    const end = bytes.indexOf(NEWLINE, begin);
    if (end < 0 && !isOver) return;
    yield [begin, end < 0 ? bytes.length : end];
    begin = end < 0 ? bytes.length : end + 1;
  }
}

function joined(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function take(bytes, wanted, found) {
  try {
    const request = JSON.parse(new TextDecoder().decode(bytes));
    if (wanted.has(request?.custom_id)) found.set(request.custom_id, request);
  } catch {
    // No request: its result says so.
  }
}
