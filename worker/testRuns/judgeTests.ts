import type { TestVerdict } from "../../core/releases.ts";
import type { ContainerRun } from "../engine/engine.ts";

/** One container of a test environment that is to end by itself. */
export type TestRun = {
  name: string;
  service: string;
  replica: number;
  /** Null where it was never started. */
  run: ContainerRun | null;
};

export type Judgement =
  | { is: "waiting" }
  | { is: "running"; overdueInMs: number }
  /** Past the time limit: these are to be stopped. */
  | { is: "overdue"; names: string[] }
  | { is: "ended"; verdict: TestVerdict };

/**
 * How the tests of a release stand. Time is the containers' own, as the engine keeps it, so that a worker that starts
 * anew comes to the same. Pure.
 * @param now ms since 1970
 */
export function judgeTests(tests: readonly TestRun[], timeoutMs: number, now: number): Judgement {
  const running = tests.flatMap(({ name, run }) =>
    run && run.finishedAt === null ? [{ name, leftMs: run.startedAt + timeoutMs - now }] : [],
  );
  const overdue = running.filter(({ leftMs }) => leftMs <= 0);
  if (overdue.length > 0) return { is: "overdue", names: overdue.map(({ name }) => name) };
  if (running.length > 0) {
    return { is: "running", overdueInMs: Math.min(...running.map(({ leftMs }) => leftMs)) };
  }
  const ended = tests.flatMap(({ service, replica, run }) =>
    run && run.finishedAt !== null
      ? [{ service, replica, exitCode: run.exitCode ?? 0, from: run.startedAt, to: run.finishedAt }]
      : [],
  );
  if (ended.length < tests.length || ended.length === 0) return { is: "waiting" };
  const services = ended.map(({ service, replica, exitCode, from, to }) => ({
    service,
    replica,
    exitCode,
    durationMs: Math.max(0, to - from),
  }));
  return {
    is: "ended",
    verdict: {
      exitCode: services.find(({ exitCode }) => exitCode !== 0)?.exitCode ?? 0,
      timedOut: services.some(({ durationMs }) => durationMs >= timeoutMs),
      durationMs: Math.max(
        0,
        Math.max(...ended.map(({ to }) => to)) - Math.min(...ended.map(({ from }) => from)),
      ),
      services,
    },
  };
}
