// What a batch's record says, in words for people. Pure.

import { count, duration, plural } from "./format.js";

const ACTIVE = new Set(["validating", "in_progress", "finalizing", "cancelling"]);
export const STATUSES = [
  "validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled",
];

export const isActive = (batch) => ACTIVE.has(batch.status);
export const finished = (batch) => batch.request_counts.completed + batch.request_counts.failed;
export const remaining = (batch) => batch.request_counts.total - finished(batch);
export const endedAt = (batch) => batch.completed_at ?? batch.failed_at ?? batch.expired_at ?? batch.cancelled_at;
export const heldUp = (batch) => batch.progress?.held_up ?? null;

/** Its name for people: what the metadata call it, or nothing. */
export const description = (batch) => batch.metadata?.description ?? batch.metadata?.name ?? "";

/** The other metadata, in pairs. */
export const tags = (batch) =>
  Object.entries(batch.metadata ?? {}).filter(([key]) => key !== "description" && key !== "name");

/** `word` and `tone` of what a batch has come to. Green is only what succeeded as a whole. */
export function state(batch) {
  const { total, completed, failed } = batch.request_counts;
  switch (batch.status) {
    case "validating":
      return { word: heldUp(batch) ? "Waiting" : "Validating", tone: heldUp(batch) ? "warn" : "busy" };
    case "in_progress":
      return running(batch);
    case "finalizing":
      return { word: "Finalizing", tone: "busy" };
    case "completed":
      if (!failed) return { word: "Completed", tone: "good" };
      return completed ? { word: `${count(completed)}/${count(total)} succeeded`, tone: "warn" } : { word: "All failed", tone: "bad" };
    case "failed":
      return { word: "Failed", tone: "bad" };
    case "expired":
      return { word: completed ? `Expired, ${count(completed)}/${count(total)}` : "Expired", tone: "bad" };
    case "cancelling":
      return { word: "Cancelling", tone: "quiet" };
    case "cancelled":
      return { word: completed ? `Cancelled, ${count(completed)}/${count(total)}` : "Cancelled", tone: "quiet" };
    default:
      return { word: batch.status, tone: "quiet" };
  }
}

function running(batch) {
  if (batch.paused_at) return { word: "Paused", tone: "quiet" };
  if (heldUp(batch)?.until) return { word: "Waiting", tone: "warn" };
  return finished(batch) ? { word: "Running", tone: "busy" } : { word: "Queued", tone: "busy" };
}

/** Seconds that it took, or has taken so far. */
export const lasted = (batch, now) => (endedAt(batch) ?? now) - (batch.in_progress_at ?? batch.created_at);

/** `12 min left`, where the service says so. */
export function timeLeft(batch, now) {
  const at = batch.progress?.estimated_completion_at;
  return at && isActive(batch) ? `${duration(Math.max(at - now, 1))} left` : "";
}

/** `38 of 40, 2 failed`, for those who cannot see a bar. */
export function countsInWords(batch) {
  const { total, failed } = batch.request_counts;
  if (!total) return "No requests counted yet";
  return `${finished(batch)} of ${plural(total, "request")} finished${failed ? `, ${failed} failed` : ""}`;
}

/** The moments of its life in order; those to come are without `at`. */
export function moments(batch) {
  const ended = endedAt(batch);
  const found = [
    { name: "Created", at: batch.created_at },
    { name: "Running", at: batch.in_progress_at },
    { name: "Paused", at: batch.paused_at },
    { name: "Finalizing", at: batch.finalizing_at },
    { name: "Cancelling", at: batch.cancelling_at },
    { name: "Completed", at: batch.completed_at },
    { name: "Failed", at: batch.failed_at },
    { name: "Expired", at: batch.expired_at },
    { name: "Cancelled", at: batch.cancelled_at },
  ].filter((moment) => moment.at);
  found.sort((one, other) => one.at - other.at);
  if (ended) return found;
  const estimated = batch.progress?.estimated_completion_at;
  const ahead = [{ name: "Estimated end", due: estimated }, { name: "Window closes", due: batch.expires_at }];
  return [...found, ...ahead.filter((moment) => moment.due)];
}
