import type { Doc } from "../../convex/_generated/dataModel.d.ts";
import { STATUSES } from "../../core/lifecycle.ts";
import { projectsOf } from "./rows.ts";
import type { World } from "./world.ts";

/** What the control plane counts (convex/model/counts.ts), beside what is there. */
export function checkCounts(world: World, violate: (what: string) => void): void {
  const projects = projectsOf(world);
  const counted = world.server.database.all("projectCounts") as unknown as Doc<"projectCounts">[];
  for (const status of STATUSES) {
    const told = counted.reduce((sum, { counts }) => sum + (counts[status] ?? 0), 0);
    const there = projects.filter((project) => project.status === status).length;
    if (told !== there) violate(`${told} projects are counted in ${status}, and ${there} are there`);
  }
  const loads = world.server.database.all("hostLoads") as unknown as Doc<"hostLoads">[];
  for (const { hostId, projects: told = 0 } of loads) {
    const there = projects.filter((project) => project.hostId === hostId).length;
    if (told !== there) violate(`${told} projects are counted on ${hostId}, and ${there} live there`);
  }
}
