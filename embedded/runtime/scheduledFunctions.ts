/** The table of scheduled functions: scheduling and cancelling inside a transaction. */
import { getConvexSize, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { parseDocument } from "../storage/documents.ts";
import { mentionsCommitTs } from "../values/commitTs.ts";
import { tableNumberOf } from "../values/ids.ts";
import { explainMalformed } from "../values/wellFormed.ts";
import type { Transaction } from "./transaction.ts";

export const SCHEDULED = "_scheduled_functions";

/** Convex refuses times further away than this. */
const MAX_DISTANCE_MS = 5 * 365 * 24 * 60 * 60 * 1_000;

/** The due time of a job that runs now: later than every real one, so that it is not started again. */
export const RUNNING = 9e15;

export type JobState =
  | { kind: "pending" }
  | { kind: "inProgress" }
  | { kind: "success" }
  | { kind: "failed"; error: string }
  | { kind: "canceled" };

export interface Job {
  readonly path: string;
  readonly args: JSONValue;
  readonly state: JobState;
}

/** A scheduled function by its id, or null. */
export function readJob(tx: Transaction, id: string): Job | null {
  const table = tx.store.catalog.table(SCHEDULED);
  const json = table === null ? null : tx.get(table, id);
  if (json === null) return null;
  const { name, args, state } = JSON.parse(json) as { name: string; args: JSONValue[]; state: JobState };
  return { path: name, args: args[0] ?? {}, state };
}

/** Adds a job inside the transaction. `dueMs` is milliseconds since the epoch. Returns the job's id. */
export function scheduleJob(
  tx: Transaction,
  path: string,
  args: JSONValue,
  dueMs: number,
  nowMs: number,
): string {
  const malformed = explainMalformed(args);
  if (malformed !== null) throw new Error(malformed);
  if (mentionsCommitTs(JSON.stringify(args))) {
    throw new Error(
      `Invalid arguments for "${path}": a scheduled function cannot take an unresolved placeholder value.`,
    );
  }
  if (!Number.isFinite(dueMs) || Math.abs(dueMs - nowMs) > MAX_DISTANCE_MS) {
    throw new Error(`A function can be scheduled at most 5 years away, got ${dueMs}`);
  }
  const value = jsonToConvex(args);
  tx.limits.add("functionsScheduled", 1);
  tx.limits.add("scheduledFunctionArgsBytes", getConvexSize(value));
  const id = tx.insertSystem(SCHEDULED, {
    name: path,
    args: [value] as Value,
    scheduledTime: dueMs,
    state: { kind: "pending" },
  });
  tx.store.driver.prepare("INSERT INTO jobs(id, due) VALUES(?, ?)").run(id, dueMs);
  tx.markScheduled();
  return id;
}

/** Cancels a job that has not ended; one that has is left alone. */
export function cancelJob(tx: Transaction, id: string): void {
  const table = tx.store.catalog.table(SCHEDULED);
  if (table === null || tableNumberOf(id) !== table.num) {
    throw new Error(
      `Invalid argument \`id\` for \`scheduler.cancel\`: "${id.slice(0, 64)}" is no scheduled function`,
    );
  }
  const json = tx.get(table, id);
  if (json === null) throw new Error(`Scheduled function ${id} does not exist`);
  const state = parseDocument(json)["state"] as JobState;
  if (state.kind !== "pending" && state.kind !== "inProgress") return;
  setJobState(tx, id, { kind: "canceled" }, Date.now());
}

/** Moves a job to a state; an ended one leaves the queue. */
export function setJobState(tx: Transaction, id: string, state: JobState, nowMs: number): void {
  const table = tx.store.catalog.table(SCHEDULED)!;
  const ended = state.kind !== "pending" && state.kind !== "inProgress";
  tx.patchSystem(table, id, { state, ...(ended ? { completedTime: nowMs } : {}) });
  const { driver } = tx.store;
  if (ended) driver.prepare("DELETE FROM jobs WHERE id = ?").run(id);
  else if (state.kind === "inProgress")
    driver.prepare("UPDATE jobs SET due = ? WHERE id = ?").run(RUNNING, id);
}
