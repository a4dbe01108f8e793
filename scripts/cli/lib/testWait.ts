import { parseManifest } from "../../../core/manifest.ts";
import { parseDuration } from "../../../core/units.ts";
import type { ProjectView } from "./views.ts";

/** For the snapshot, the environment, and what Docker takes to make it. */
const AROUND_MS = 5 * 60_000;

/** How long a project's tests may be waited for: their own time limit, and what is around them. */
export function testWaitMs({ manifest }: Pick<ProjectView, "manifest">): number {
  return parseDuration(parseManifest(manifest).environments.test.timeout)! + AROUND_MS;
}
