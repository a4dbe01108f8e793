import { ENVIRONMENT_KINDS, type EnvironmentKind } from "./lifecycle.ts";
import type { Manifest } from "./manifest.ts";

/** How deep a change is told: `services.web.gateway`, never the value there. */
const DEPTH = 3;

/** The dotted paths, sorted, at which two manifests differ. Their values may be confidential, so they are not in it. */
export function changedPaths(before: Manifest, after: Manifest): string[] {
  const paths: string[] = [];
  collect(before, after, [], paths);
  return paths.sort();
}

function collect(before: unknown, after: unknown, path: string[], paths: string[]): void {
  if (canonical(before) === canonical(after)) return;
  if (path.length === DEPTH || !isObject(before) || !isObject(after)) {
    paths.push(path.join("."));
    return;
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    collect(before[key], after[key], [...path, key], paths);
  }
}

/** The environments that a change at `paths` concerns; the others go on as they are. */
export function concernedKinds(paths: readonly string[]): EnvironmentKind[] {
  return ENVIRONMENT_KINDS.filter((kind) => paths.some((path) => concerns(path, kind)));
}

function concerns(path: string, kind: EnvironmentKind): boolean {
  const [first, second] = path.split(".");
  if (first === "domains") return kind === "deploy";
  if (first === "environments") return second === kind;
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The order of keys is no difference, but of `undefined` and a missing key neither. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
