import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation, ProjectSpec } from "../../core/projectSpec.ts";
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
 * Those of a turn's operations that mended what somebody or something changed in Docker: of environments that have been as
 * they are wanted, and of which nothing else is wanted since. One of each environment. Pure.
 * @param reached the generation at which an environment was last as it was wanted
 */
export function mendedBy(
  { environments }: Pick<ProjectSpec, "environments">,
  done: readonly Operation[],
  reached: (kind: EnvironmentKind) => number | undefined,
): Operation[] {
  return environments.flatMap(({ kind, desired, generation }) => {
    if (reached(kind) !== generation) return [];
    const first = done.find(
      (operation) =>
        operation.environment === kind && (desired !== "running" || BRINGS_BACK.includes(operation.do)),
    );
    return first ? [first] : [];
  });
}

type DriftingProject = Pick<ProjectSpec, "projectId" | "slug" | "status" | "environments">;

/** Counts what was mended. */
export class Drift {
  private drift: HostDrift = { mended: 0, lastAt: null, last: null };
  private readonly reached = new Map<string, number>();

  constructor(
    private readonly now: () => number,
    private readonly onChange: (drift: HostDrift) => void,
  ) {}

  /** @param told what the control plane knows of environments from the turns before */
  note(spec: DriftingProject, done: readonly Operation[], told: Told): void {
    this.remember(spec, told);
    const mended = mendedBy(spec, done, (kind) => this.reached.get(`${spec.projectId} ${kind}`));
    const last = mended.at(-1);
    if (!last) return;
    this.drift = {
      mended: this.drift.mended + mended.length,
      lastAt: this.now(),
      last: `${spec.slug} ${last.environment}: ${describe(last)}, because ${last.cause}`,
    };
    this.onChange(this.drift);
  }

  /** By the time that something is mended, it has often been told that it is not as it should be. */
  private remember({ projectId, status, environments }: DriftingProject, told: Told): void {
    for (const { kind, desired, generation } of environments) {
      const last = told(kind);
      const key = `${projectId} ${kind}`;
      if (status === "deleting") this.reached.delete(key);
      else if (last?.observedGeneration === generation && last.phase === desired) {
        this.reached.set(key, generation);
      }
    }
  }
}
