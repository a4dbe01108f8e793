import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import { vManifest } from "../../../../core/manifest.ts";
import { changedPaths, concernedKinds } from "../../../../core/manifestDiff.ts";

/** What saving a manifest would change: dotted paths, and the environments that these concern. */
export type Change = { paths: string[]; kinds: EnvironmentKind[] };

/** @param after as a person wrote it. @returns null where one of the two is no manifest */
export function changeOf(before: unknown, after: unknown): Change | null {
  const one = vManifest.safeParse(before);
  const other = vManifest.safeParse(after);
  if (!one.success || !other.success) return null;
  const paths = changedPaths(one.data, other.data);
  return { paths, kinds: concernedKinds(paths) };
}

/** What becomes of an environment that a change concerns. */
export function fateOf({ kind, desired, release }: Environment): string {
  if (desired === "absent") return "is not there now; it will have the new manifest when it is made";
  if (release !== null && kind !== "dev") {
    return `runs release ${release} with the manifest of that release; the next release has the new one`;
  }
  if (desired === "hibernated") return "hibernates; it will have the new manifest when it wakes";
  return "runs; what the change is about restarts with the new manifest";
}

type Environment = { kind: EnvironmentKind; desired: string; release: number | null };
