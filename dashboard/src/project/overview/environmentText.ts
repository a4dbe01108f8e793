import { EFFECTS, STATUSES, type EnvironmentKind } from "../../../../core/lifecycle.ts";
import { vManifest } from "../../../../core/manifest.ts";
import type { EnvironmentView } from "../environments.ts";

/** What is said of an environment in words. */

export const PURPOSES: Record<EnvironmentKind, string> = {
  dev: "where it is worked on",
  test: "where a release is tested",
  deploy: "what its users see",
};

/** The statuses in which an environment is brought to run: `development or testing`. */
export function runsIn(kind: EnvironmentKind): string {
  return STATUSES.filter((status) => EFFECTS[status][kind] === "running").join(" or ");
}

/** Whether what was seen is of an earlier generation than what is wanted. */
export function isBehind(environment: Pick<EnvironmentView, "generation" | "observedGeneration">): boolean {
  return environment.observedGeneration < environment.generation;
}

/** The limits that the manifest gives one container of a service, and the workspace; null where it cannot be read. */
export function limitsOf(
  manifest: unknown,
  kind: EnvironmentKind,
): { cpus: number; memory: string; disk: string; replicas: number } | null {
  const parsed = vManifest.safeParse(manifest).data;
  if (!parsed) return null;
  const { cpus, memory, disk, replicas } = parsed.environments[kind];
  return { cpus, memory, disk, replicas: replicas ?? 1 };
}

/** Why an environment has failed, as the worker says it, and what helps. */
export function troubleOf(environment: Pick<EnvironmentView, "kind" | "message" | "conditions">): {
  cause: string;
  next: string;
} {
  const broken = environment.conditions.filter(({ status }) => status === "false");
  const cause = environment.message || broken[0]?.message || `The ${environment.kind} environment failed.`;
  return { cause, next: nextStep(broken.map(({ type }) => type)) };
}

/** The names besides its own that an environment answers to: the project's domains are its deploy environment's. */
export function domainsOf(manifest: unknown, kind: EnvironmentKind): string[] {
  return kind === "deploy" ? (vManifest.safeParse(manifest).data?.domains ?? []) : [];
}

function nextStep(broken: readonly string[]): string {
  if (broken.includes("Rendered")) return "Correct the manifest; it is tried again by itself.";
  if (broken.includes("ImagesReady")) {
    return "Name an image that can be had in the manifest, or mend the registry and try again.";
  }
  if (broken.includes("VolumesReady") || broken.includes("NetworkReady")) {
    return "Look at the Hosts page what the host lacks, then try again.";
  }
  return "Look at the logs why its containers do not stay up, mend that, then try again.";
}
