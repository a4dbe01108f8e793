import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation, EnvironmentSpec, ProjectSpec } from "../../core/projectSpec.ts";
import { describe, type Operation } from "../plan/operation.ts";

export type HostDrift = {
  /** Environments that were put right, since the worker started. */
  mended: number;
  /** ms since 1970. */
  lastAt: number | null;
  last: string | null;
};

/** What brings back what is gone or stands still; what is only too much goes also as a part of every rollout. */
const BRINGS_BACK: readonly Operation["do"][] = [
  "create network",
  "create volume",
  "create container",
  "connect",
  "disconnect",
  "start container",
  "unpause container",
];

type Told = (
  kind: EnvironmentKind,
) => Pick<EnvironmentObservation, "observedGeneration" | "phase"> | undefined;

/**
 * Those of a turn's operations that mended what somebody or something changed in Docker: of environments that were told to
 * be as they are wanted, and of which nothing else is wanted since. One of each environment. Pure.
 * @param told what the control plane knew of them before
 */
export function mendedBy(
  { environments }: Pick<ProjectSpec, "environments">,
  done: readonly Operation[],
  told: Told,
): Operation[] {
  return environments.flatMap((environment) => {
    if (!wasAsWanted(environment, told(environment.kind))) return [];
    const isRunning = environment.desired === "running";
    const first = done.find(
      (operation) =>
        operation.environment === environment.kind && (!isRunning || BRINGS_BACK.includes(operation.do)),
    );
    return first ? [first] : [];
  });
}

function wasAsWanted({ desired, generation }: EnvironmentSpec, last: ReturnType<Told>): boolean {
  return last !== undefined && last.observedGeneration === generation && last.phase === desired;
}

/** Counts what was mended. */
export class Drift {
  private drift: HostDrift = { mended: 0, lastAt: null, last: null };

  constructor(
    private readonly now: () => number,
    private readonly onChange: (drift: HostDrift) => void,
  ) {}

  note(spec: Pick<ProjectSpec, "slug" | "environments">, done: readonly Operation[], told: Told): void {
    const mended = mendedBy(spec, done, told);
    const last = mended.at(-1);
    if (!last) return;
    this.drift = {
      mended: this.drift.mended + mended.length,
      lastAt: this.now(),
      last: `${spec.slug} ${last.environment}: ${describe(last)}, because ${last.cause}`,
    };
    this.onChange(this.drift);
  }
}
