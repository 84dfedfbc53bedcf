// Reads requests out of an input file, forward and in pieces, so that results can stand beside them.
//
// Rule of this file: results come in the order of the input, so one walk serves page after page; what is behind is not
// kept. The walk ends at `MOST_BYTES` for one page: a person is not made to wait for the whole of a large file.

import { fetchApi } from "./api.js";

const PIECE = 1 << 20;
const MOST_BYTES = 48 << 20;

export class RequestReader {
  constructor(fileId) {
    this.fileId = fileId;
    this.offset = 0;
    this.rest = new Uint8Array(0);
    this.isOver = false;
  }

  rewind() {
    this.offset = 0;
    this.rest = new Uint8Array(0);
    this.isOver = false;
  }

  /** The requests of these custom_ids by id, as far as they were found. */
  async find(customIds, signal) {
    const wanted = new Set(customIds);
    const found = new Map();
    const until = this.offset + MOST_BYTES;
    while (found.size < wanted.size) {
      this.takeLines(wanted, found);
      if (found.size === wanted.size || this.isOver || this.offset >= until) break;
      await this.readPiece(signal);
    }
    return found;
  }

  /** Takes whole lines from what was read until all are found; what comes after stays for the next page. */
  takeLines(wanted, found) {
    const decoder = new TextDecoder();
    let start = 0;
    while (found.size < wanted.size) {
      let end = this.rest.indexOf(10, start);
      if (end < 0 && this.isOver && start < this.rest.length) end = this.rest.length;
      if (end < 0) break;
      const request = parse(decoder.decode(this.rest.subarray(start, end)));
      if (request && wanted.has(request.custom_id)) found.set(request.custom_id, request);
      start = end + 1;
    }
    this.rest = this.rest.slice(Math.min(start, this.rest.length));
  }

  async readPiece(signal) {
    const headers = { range: `bytes=${this.offset}-${this.offset + PIECE - 1}` };
    const response = await fetchApi(`/files/${this.fileId}/content`, { headers, signal });
    const piece = new Uint8Array(await response.arrayBuffer());
    const size = Number(response.headers.get("content-range")?.split("/")[1] ?? piece.length);
    const joined = new Uint8Array(this.rest.length + piece.length);
    joined.set(this.rest);
    joined.set(piece, this.rest.length);
    this.rest = joined;
    this.offset += piece.length;
    this.isOver = this.offset >= size;
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
