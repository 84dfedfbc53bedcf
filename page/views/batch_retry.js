// A new batch of what failed: all of it, or what failed with some codes.

import { callApi } from "../api.js";
import { say } from "../parts/toasts.js";
import { goTo } from "../route.js";

/** @param {string[] | null} codes */
export async function retryBatch(batch, codes = null) {
  try {
    const made = await callApi(`/batches/${batch.id}/retry`, { method: "POST", body: codes ? { codes } : {} });
    say(codes ? `A new batch has what failed with ${codes.join(", ")}.` : "A new batch has what failed.");
    goTo(["batches", made.id]);
  } catch (error) {
    say(error.message, "bad");
  }
}
