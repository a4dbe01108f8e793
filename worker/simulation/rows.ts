import type { Doc } from "../../convex/_generated/dataModel.d.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { World } from "./world.ts";

/** The control plane's rows, as the simulation's people and checks read them. */

export function projectsOf(world: World): Doc<"projects">[] {
  return world.server.database.all("projects") as unknown as Doc<"projects">[];
}

export function projectOf(world: World, namespace: string | undefined): Doc<"projects"> | undefined {
  return projectsOf(world).find((project) => project.namespace === namespace);
}

export function groupsOf(world: World): Doc<"groups">[] {
  return world.server.database.all("groups") as unknown as Doc<"groups">[];
}

export function membersOf(world: World, group: Doc<"groups">): Doc<"projects">[] {
  return projectsOf(world).filter(({ groupId }) => groupId === group._id);
}

export function environmentsOf(world: World, project: Doc<"projects">): Doc<"environments">[] {
  const rows = world.server.database.all("environments") as unknown as Doc<"environments">[];
  return rows.filter((row) => row.projectId === project._id);
}

export function observationsOf(world: World, project: Doc<"projects">): Doc<"environmentObservations">[] {
  const rows = world.server.database.all(
    "environmentObservations",
  ) as unknown as Doc<"environmentObservations">[];
  return rows.filter((row) => row.projectId === project._id);
}

export function manifestOf(world: World, project: Doc<"projects">): Manifest {
  const row = world.server.database.all("manifests").find(({ projectId }) => projectId === project._id);
  return row!.manifest as Manifest;
}

/** @param number as labels have it */
export function releaseOf(
  world: World,
  project: Doc<"projects">,
  number: string | undefined,
): Doc<"releases"> | undefined {
  const rows = world.server.database.all("releases") as unknown as Doc<"releases">[];
  return rows.find((row) => row.projectId === project._id && String(row.number) === number);
}
