import { START_LIMIT_MS } from "../conditions/findings.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { TurnContext } from "./turnContext.ts";

/** Events bring a project back when something happens; these are the things that happen by themselves, in time. */
export function comeBack(
  { again, crashes, clock, rollouts }: TurnContext,
  projectId: string,
  namespace: string,
  seen: readonly SeenEnvironment[],
  testsOverdueInMs: number | null,
): void {
  const now = clock.elapsed();
  const release = crashes.nextRelease(namespace, now);
  const waiting = seen
    .flatMap(({ replicas }) => replicas)
    .map(({ waitingMs }) => waitingMs)
    .filter((waitingMs) => waitingMs > 0 && waitingMs < START_LIMIT_MS)
    .map((waitingMs) => START_LIMIT_MS - waitingMs);
  const overdue = testsOverdueInMs === null ? [] : [testsOverdueInMs];
  const deploy = seen.find(({ spec }) => spec.kind === "deploy" && spec.desired === "running");
  const rollout = deploy ? rollouts.againMs(deploy, deploy.rollout ?? null) : null;
  const delays = [
    ...(release === null ? [] : [release - now]),
    ...waiting,
    ...overdue,
    ...(rollout === null ? [] : [rollout]),
  ];
  if (delays.length > 0) again(projectId, Math.min(...delays));
}
