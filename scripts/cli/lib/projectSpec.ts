import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENVIRONMENT_KINDS, keepsVolumes, type EnvironmentKind } from "../../../core/lifecycle.ts";
import { parseManifest } from "../../../core/manifest.ts";
import { slugify } from "../../../core/naming.ts";
import { portVariable, publishedServices } from "../../../core/ports.ts";
import type { GroupSpec, ProjectSpec, ReleaseSpec } from "../../../core/projectSpec.ts";
import { renderProject } from "../../../core/render/render.ts";
import { loadAttachments } from "../../../docker/attachments/loadAttachments.ts";
import { hostStacks } from "../../../docker/stacks/hostStacks.ts";
import { dataDirectory, REPOSITORY } from "../../setup/dataDir.ts";
import { variableSecrets } from "../../../core/secretUses.ts";
import type { ProjectView } from "./views.ts";

/**
 * A project as the worker is told of it, from what the control plane shows.
 * @param releases those that its environments run, by number
 * @param secrets its secrets' versions by name: their values are nobody's to see
 * @param group what it shares with others
 */
export function specOfView(
  view: ProjectView,
  releases: ReadonlyMap<number, ReleaseSpec>,
  secrets: Record<string, string> = {},
  group: GroupSpec | null = null,
): ProjectSpec {
  const manifest = parseManifest(view.manifest);
  const manifests = [manifest, ...[...releases.values()].map((release) => release.manifest)];
  const seen = variableSecrets(manifests, Object.keys(secrets));
  return {
    projectId: view.projectId,
    slug: view.slug,
    name: view.name,
    namespace: view.namespace,
    status: view.status,
    manifest,
    secrets: Object.fromEntries(seen.map((name) => [name, secrets[name]!])),
    group,
    environments: view.environments.map(
      ({ kind, desired, generation, subnet, egressSubnet, ports, release }) => ({
        kind,
        desired,
        generation,
        subnet,
        egressSubnet,
        ports: Object.fromEntries(
          publishedServices(manifest).flatMap((service) => {
            const port = ports[portVariable(kind, service)];
            return port === undefined ? [] : [[service, port]];
          }),
        ),
        keepVolumes: keepsVolumes(view.status, kind),
        release: (release !== null && releases.get(release)) || null,
      }),
    ),
  };
}

/**
 * A project that a manifest would make, every environment running; its networks get their addresses when it is real.
 * @throws SlipwayError `bad_manifest`
 */
export function specOfManifest(input: unknown): ProjectSpec {
  const manifest = parseManifest(input);
  return {
    projectId: "preview",
    slug: slugify(manifest.name),
    name: manifest.name,
    namespace: "project_0000000000000_preview",
    status: "development",
    manifest,
    environments: ENVIRONMENT_KINDS.map((kind) => ({
      kind,
      desired: "running",
      generation: 1,
      subnet: null,
      egressSubnet: null,
      keepVolumes: false,
    })),
  };
}

/** Renders with this checkout's template and this host's stacks: the same function, on the same files, as the worker. */
export function renderHere(
  spec: ProjectSpec,
  instanceId: string,
  kinds?: readonly EnvironmentKind[],
  imageVolumes?: Readonly<Record<string, readonly string[]>>,
): ReturnType<typeof renderProject> {
  const template = readFileSync(join(REPOSITORY, "docker/project-template.yml"), "utf8");
  const { stacks } = hostStacks(dataDirectory());
  return renderProject({
    ...{ spec, stacks, template, instanceId, kinds, imageVolumes },
    attachments: loadAttachments(),
  });
}
