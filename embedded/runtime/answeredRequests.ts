/** The answers of mutations that clients have numbered: one that is sent again after a lost answer is not made twice. */
import type { Store } from "../storage/store.ts";
import type { FunctionResult, RequestNumber } from "./functionResult.ts";

/** The answer that the request got when it was made; null when it was not. */
export function recallAnswer(store: Store, { sessionId, requestId }: RequestNumber): FunctionResult | null {
  const row = store.driver
    .prepare("SELECT response FROM requests WHERE session = ? AND request = ?")
    .get(sessionId, requestId);
  if (row === undefined) return null;
  const { json, logLines, ts } = JSON.parse(row["response"] as string) as {
    json: string;
    logLines: string[];
    ts: string;
  };
  return { outcome: { ok: true, json }, logLines, ts: BigInt(ts) };
}

/** Keeps the answer in the mutation's own transaction. Only what was committed is kept. */
export function rememberAnswer(
  store: Store,
  { sessionId, requestId }: RequestNumber,
  { outcome, logLines, ts }: FunctionResult,
  nowMs: number,
): void {
  if (!outcome.ok || ts === null) return;
  const response = JSON.stringify({ json: outcome.json, logLines, ts: ts.toString() });
  store.driver
    .prepare("INSERT INTO requests(session, request, response, at) VALUES(?, ?, ?, ?)")
    .run(sessionId, requestId, response, nowMs);
}
