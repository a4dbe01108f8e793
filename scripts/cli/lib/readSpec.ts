import { api } from "../../../convex/_generated/api.js";
import { parseManifest } from "../../../core/manifest.ts";
import type { ProjectSpec, ReleaseSpec } from "../../../core/projectSpec.ts";
import { specOfView } from "./projectSpec.ts";
import type { Session } from "./session.ts";
import { getProject } from "./views.ts";

/**
 * A project as its worker is told of it, with the releases that its environments run.
 * @throws SlipwayError `not_found` where there is no such project
 */
export async function readSpec(session: Session, project: string): Promise<ProjectSpec> {
  const view = await getProject(session, project);
  const releases = new Map<number, ReleaseSpec>();
  for (const { release: number, desired } of view.environments) {
    if (number === null || desired === "absent") continue;
    const found = await session.http.query(api.releases.get, { project: view.projectId, number });
    if (!found) continue;
    const { releaseId, snapshot, result } = found;
    releases.set(number, {
      ...{ releaseId, number, snapshot, result },
      manifest: parseManifest(found.manifest),
    });
  }
  return specOfView(view, releases);
}
