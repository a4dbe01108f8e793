import { api } from "../../../convex/_generated/api.js";
import { parseGroupAttachments } from "../../../core/groups.ts";
import { parseManifest } from "../../../core/manifest.ts";
import type { GroupSpec, ProjectSpec, ReleaseSpec } from "../../../core/projectSpec.ts";
import { specOfView } from "./projectSpec.ts";
import type { Session } from "./session.ts";
import { getGroup, getProject } from "./views.ts";

/**
 * A project as its worker is told of it, with the releases that its environments run and what its group has, but with
 * the versions of its secrets in place of the secrets.
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
  const secrets = await session.http.query(api.secrets.listSecrets, { project: view.projectId });
  const versions = Object.fromEntries(secrets.map(({ name, version }) => [name, version]));
  return specOfView(view, releases, versions, await groupOf(session, view.group));
}

async function groupOf(session: Session, name: string | null): Promise<GroupSpec | null> {
  if (name === null) return null;
  const group = await getGroup(session, name);
  const { namespace, desired, subnets } = group;
  return { name, namespace, desired, subnets, attachments: parseGroupAttachments(group.attachments) };
}
