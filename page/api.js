// Calls of the public API, and of nothing else.

import { currentKey, signOut, signedIn } from "./session.js";

export const PREFIX = "/v1";

/** What the service refused, in its own words; `status` 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, message, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @typedef {object} Call
 * @property {string} [method]
 * @property {any} [body] A FormData as it is, all else as JSON.
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {string} [prefix]
 */

/**
 * The answer to a call. Throws ApiError; whoever aborts by `signal` gets an AbortError.
 * @param {string} path
 * @param {Call} [options]
 */
export async function fetchApi(path, { method = "GET", body, headers = {}, signal, prefix = PREFIX } = {}) {
  const isJson = body !== undefined && !(body instanceof FormData);
  const sent = { authorization: `Bearer ${currentKey()}`, ...headers };
  if (isJson) sent["content-type"] = "application/json";
  let response;
  try {
    const content = isJson ? JSON.stringify(body) : body;
    response = await fetch(prefix + path, { method, headers: sent, body: content, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The service cannot be reached. Check your connection; this page goes on trying.");
  }
  if (response.ok) return response;
  throw await refusal(response);
}

/**
 * The same, read as JSON.
 * @param {string} path
 * @param {Call} [options]
 * @returns {Promise<any>}
 */
export const callApi = async (path, options) => (await fetchApi(path, options)).json();

async function refusal(response) {
  const { error = {} } = await response.json().catch(() => ({}));
  const message = error.message ?? `The service answered HTTP ${response.status} without saying why.`;
  if (response.status === 401 && signedIn()) signOut(`Your key is not accepted any more. ${message}`);
  return new ApiError(response.status, message, error.code);
}

/** `parameters` without those that are empty, as a query. */
export function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
