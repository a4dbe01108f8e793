import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import { SlipwayError } from "../../../core/errors.ts";
import type { Session } from "./session.ts";

export type ProjectView = NonNullable<FunctionReturnType<typeof api.projects.getProject>>;
export type ProjectSummary = FunctionReturnType<typeof api.projects.listProjects>["page"][number];
export type EventView = FunctionReturnType<typeof api.events.listEvents>["page"][number];

export type GroupView = FunctionReturnType<typeof api.groups.listGroups>["page"][number];

const PAGE_SIZE = 100;

/** @throws SlipwayError `not_found` where there is no such project */
export async function getProject(session: Session, project: string): Promise<ProjectView> {
  const view = await session.http.query(api.projects.getProject, { project });
  if (view) return view;
  throw notFound(project);
}

export function notFound(project: string): SlipwayError {
  return new SlipwayError({
    code: "not_found",
    message: `There is no project "${project}".`,
    hint: "slipway project list shows the projects.",
  });
}

/** All projects, newest first; at most `most`. */
export async function listProjects(session: Session, most = Infinity): Promise<ProjectSummary[]> {
  const projects: ProjectSummary[] = [];
  for (let cursor: string | null = null; ;) {
    const { page, isDone, continueCursor }: FunctionReturnType<typeof api.projects.listProjects> =
      await session.http.query(api.projects.listProjects, {
        paginationOpts: { numItems: PAGE_SIZE, cursor },
      });
    projects.push(...page);
    if (isDone || projects.length >= most) return projects.slice(0, most);
    cursor = continueCursor;
  }
}

/** All groups that the caller may see. */
export async function listGroups(session: Session): Promise<GroupView[]> {
  const groups: GroupView[] = [];
  for (let cursor: string | null = null; ;) {
    const { page, isDone, continueCursor }: FunctionReturnType<typeof api.groups.listGroups> =
      await session.http.query(api.groups.listGroups, { paginationOpts: { numItems: PAGE_SIZE, cursor } });
    groups.push(...page);
    if (isDone) return groups;
    cursor = continueCursor;
  }
}

/** @throws SlipwayError `not_found` where there is no such group */
export async function getGroup(session: Session, name: string): Promise<GroupView> {
  const group = (await listGroups(session)).find((one) => one.name === name);
  if (group) return group;
  throw new SlipwayError({
    code: "not_found",
    message: `There is no group "${name}".`,
    hint: "slipway group list shows the groups.",
  });
}
