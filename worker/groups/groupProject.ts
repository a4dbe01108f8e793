import { ENVIRONMENT_KINDS } from "../../core/lifecycle.ts";
import { parseManifest } from "../../core/manifest.ts";
import type { GroupSpec, ProjectSpec } from "../../core/projectSpec.ts";

/** A project without services, whose environments the group's members want: so the same plan is made for a group. */
export function asProject(group: GroupSpec): ProjectSpec {
  const known = made.get(group);
  if (known) return known;
  const manifest = parseManifest({ name: group.name, stack: "none", attachments: group.attachments });
  const project: ProjectSpec = {
    projectId: `group ${group.name}`,
    slug: group.name,
    name: group.name,
    namespace: group.namespace,
    status: "development",
    manifest: { ...manifest, stack: undefined, services: {} },
    environments: ENVIRONMENT_KINDS.map((kind) => ({
      kind,
      desired: group.desired[kind],
      generation: 0,
      subnet: group.subnets[kind] ?? null,
      egressSubnet: null,
      // What tests leave goes with them; what people made stays while the group has members.
      keepVolumes: kind !== "test",
    })),
  };
  made.set(group, project);
  return project;
}

/** A group that no project on this host needs: all is absent, and what people made is kept for its other members. */
export function unneededGroup(namespace: string): ProjectSpec {
  const desired = { dev: "absent", test: "absent", deploy: "absent" } as const;
  return asProject({ name: "unneeded", namespace, attachments: [], desired, subnets: {} });
}

const made = new WeakMap<GroupSpec, ProjectSpec>();
