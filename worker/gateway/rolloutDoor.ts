import * as z from "zod";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { vProjectRoutes, type ProjectRoutes } from "../../core/routes.ts";
import type { InProgress, RolloutCounts } from "./gateway.ts";
import { askDoor } from "./door.ts";
import { askPushDoor, readAnswer } from "./pushDoor.ts";

/** What rollouts ask of the push door: what the table says, what is in progress, to end it, and what was counted. */

const TIMEOUT_MS = 10_000;

const count = z.int().min(0);
const vInProgress = z.record(z.string(), z.object({ requests: count, streams: count }));
// Lua has one kind of table: an empty list is written like an empty object.
const vLatencies = z
  .union([z.array(z.tuple([z.number(), count])), z.strictObject({})])
  .transform((list) => (Array.isArray(list) ? list : []));
const vSide = z.object({
  served: count,
  failed: count,
  aborted: count,
  givenUp: count,
  latencies: vLatencies,
});
const vPhase = z.object({ accepted: count, old: vSide, new: vSide, none: vSide });
const vRolloutCounts = z.object({
  undone: z.boolean(),
  waiting: count,
  phases: z.object({ before: vPhase, during: vPhase, after: vPhase }),
});

export async function askRoutes(pushSocket: string, namespace: string): Promise<ProjectRoutes | null> {
  const path = `/routes/${namespace}`;
  const answer = await askDoor(pushSocket, { method: "GET", path, timeoutMs: TIMEOUT_MS });
  return answer.status === 404 ? null : readAnswer(vProjectRoutes, answer);
}

export async function askInProgress(
  pushSocket: string,
  upstreams: readonly string[],
): Promise<Map<string, InProgress>> {
  if (upstreams.length === 0) return new Map();
  const body = JSON.stringify(upstreams);
  const answer = await askPushDoor(pushSocket, {
    method: "POST",
    path: "/in-progress",
    body,
    timeoutMs: TIMEOUT_MS,
  });
  return new Map(Object.entries(readAnswer(vInProgress, answer)));
}

export async function askToEnd(pushSocket: string, upstreams: readonly string[]): Promise<void> {
  const body = JSON.stringify(upstreams);
  await askPushDoor(pushSocket, { method: "POST", path: "/endings", body, timeoutMs: TIMEOUT_MS });
}

export async function askRollout(
  pushSocket: string,
  namespace: string,
  kind: EnvironmentKind,
  id: string,
): Promise<RolloutCounts> {
  const path = `/rollouts/${namespace}/${kind}/${id}`;
  const answer = await askPushDoor(pushSocket, { method: "GET", path, timeoutMs: TIMEOUT_MS });
  return readAnswer(vRolloutCounts, answer);
}
