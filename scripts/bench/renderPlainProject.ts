import type { ManifestInput } from "../../core/manifest.ts";
import { makeNamespace } from "../../core/naming.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import { loadStacks, starterFolder } from "../../docker/stacks/loadStacks.ts";
import { startersFrom } from "../../worker/starters.ts";
import { renderHere, specOfManifest } from "../cli/lib/projectSpec.ts";
import type { PlainProject } from "./plainProject.ts";

/** Subnets of these projects, /26 each, two a project; away from what Slipway's pools give out. */
const POOL = "10.63";

/**
 * The dev environment that Slipway would make of `manifest`, for a script to make instead.
 * @param index of the projects that are there at the same time, up to 511
 */
export async function renderPlainProject(
  instanceId: string,
  index: number,
  manifest: Omit<ManifestInput, "name">,
): Promise<PlainProject> {
  const namespace = makeNamespace(Date.now(), Math.random);
  const slug = `plain-${index}`;
  const spec = { ...specOfManifest({ name: slug, ...manifest }), namespace };
  const subnetOf = (which: number) => {
    const number = index * 2 + which;
    return `${POOL}.${Math.floor(number / 4)}.${(number % 4) * 64}/26`;
  };
  const environments = spec.environments.map((environment) => ({
    ...environment,
    subnet: subnetOf(0),
    egressSubnet: subnetOf(1),
  }));
  const environment = renderHere({ ...spec, environments }, instanceId, ["dev"]).project.environments[0]!;
  const stacks = loadStacks();
  const starters = startersFrom((name) => starterFolder(stacks[name]!));
  const wanted = environment.volumes.flatMap(({ fill }) =>
    fill.flatMap((from) => (from.from === "starter" ? [from] : [])),
  );
  const files = wanted.length === 0 ? [] : [await starters.tar(wanted, WORKSPACE)];
  return { namespace, slug, environment, files };
}
