import { GROUP_NAMESPACE } from "../core/groups.ts";
import type { EnvironmentKind } from "../core/lifecycle.ts";
import type { EnvironmentObservation, ProjectSpec } from "../core/projectSpec.ts";
import type { ControlPlane, HostedProject } from "./controlPlane.ts";
import type { Engine } from "./engine/engine.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { asProject, unneededGroup } from "./groups/groupProject.ts";
import type { OwnedCounts } from "./host/hostReporter.ts";
import type { LastLook } from "./lastLook.ts";
import type { Orphans } from "./orphans.ts";
import { plan } from "./plan/plan.ts";
import type { Presence } from "./presence.ts";
import type { RenderedProject } from "../core/render/rendered.ts";
import type { RouteTable } from "./routeTable.ts";
import { serviceContainers, shortId } from "./seen.ts";
import { byNamespace, observe, ofEnvironment, type Snapshot } from "./snapshot.ts";
import type { Wanted } from "./wanted.ts";

/** What lives on this host; of groups only what no project's own row tells. */
type Hosted = { projects: HostedProject[]; groups: string[] };

const NOTHING: Snapshot = { containers: [], networks: [], volumes: [] };

export type ResyncContext = {
  engine: Engine;
  controlPlane: Pick<ControlPlane, "projects" | "groups">;
  gateway: Pick<Gateway, "removeProject">;
  presence: Presence;
  wanted: Wanted;
  routes: RouteTable;
  orphans: Orphans;
  /** Is given what Docker holds. */
  lastLook: LastLook;
  instanceId: string;
  /** Told how much of each there is. */
  counted?: (counts: OwnedCounts) => void;
  /** As {@link Clock.elapsed} has it. */
  elapsed(): number;
  /** What the control plane was last told of an environment. */
  told(projectId: string, kind: EnvironmentKind): EnvironmentObservation | undefined;
  /** Containers of a namespace that must not run now. */
  held(namespace: string): ReadonlyMap<string, string>;
  render(spec: ProjectSpec): RenderedProject | null;
  /** Told which projects live here, whenever the control plane says. */
  listed?: (projectIds: string[]) => void;
  /** What is to be done about a project, by its id. */
  changed(projectId: string): void;
  drifted(projectId: string): void;
  gone(projectId: string, namespace: string): void;
  orphaned(namespace: string): void;
};

/**
 * One look at all that this instance owns, beside all that it should: says what differs, so that an idle project costs
 * no call of its own.
 */
export async function resync(context: ResyncContext): Promise<void> {
  const { engine, instanceId, wanted, routes, lastLook } = context;
  lastLook.begin();
  const all = await observe(engine, { instanceId });
  context.counted?.({
    containers: all.containers.length,
    networks: all.networks.length,
    volumes: all.volumes.length,
  });
  const found = byNamespace(all);
  lastLook.keep(found);
  // What is heard of only while the list is read may be newer than the list.
  const known = new Map(wanted.owners());
  const hosted = await hostedNow(context, found);
  if (hosted) compareWithHosted(context, hosted, known, found);
  for (const spec of wanted.all()) {
    const { group, projectId } = spec;
    const isMember = group && spec.environments.some(({ desired }) => desired !== "absent");
    // What it shares with others, its own turn looks at: also once nobody wants it, for calls that come late.
    const own = found.get(spec.namespace) ?? NOTHING;
    if (isMember || differs(context, spec, own) || isToldOtherwise(context, spec, own))
      context.drifted(projectId);
    else if (group && isLeftOf(asProject(group), found.get(group.namespace) ?? NOTHING))
      context.changed(projectId);
  }
  const { lost, unknown } = await routes.compare();
  for (const namespace of lost) {
    const owner = wanted.ownerOf(namespace);
    if (owner !== undefined) context.drifted(owner);
  }
  if (!hosted) return;
  const owned = new Set(hosted.projects.map(({ namespace }) => namespace));
  for (const namespace of unknown.filter((namespace) => !owned.has(namespace))) {
    await context.gateway.removeProject(namespace);
  }
}

/** Null while the control plane is away: then nothing can be said of who owns what. */
async function hostedNow(
  { controlPlane, presence }: ResyncContext,
  found: ReadonlyMap<string, Snapshot>,
): Promise<Hosted | null> {
  if (presence.isAway) return null;
  try {
    // In this order: a group whose last member here goes meanwhile is found in one of the two.
    const projects = await controlPlane.projects();
    const known = new Set(projects.map(({ group }) => group));
    const isUnknown = [...found.keys()].some(
      (namespace) => GROUP_NAMESPACE.test(namespace) && !known.has(namespace),
    );
    return { projects, groups: isUnknown ? await controlPlane.groups() : [] };
  } catch (error) {
    if (presence.noteFailure(error)) return null;
    throw error;
  }
}

/** @param known, found read before `hosted` */
function compareWithHosted(
  { wanted, orphans, elapsed, listed, changed, gone, orphaned }: ResyncContext,
  { projects, groups }: Hosted,
  known: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, Snapshot>,
): void {
  const owned = new Set(projects.flatMap(({ namespace, group }) => [namespace, ...(group ? [group] : [])]));
  for (const namespace of groups) {
    if (isLeftOf(unneededGroup(namespace), found.get(namespace) ?? NOTHING)) continue;
    owned.add(namespace);
  }
  for (const [namespace, projectId] of known) {
    if (!owned.has(namespace)) gone(projectId, namespace);
  }
  for (const { projectId, namespace, status } of projects) {
    wanted.own(namespace, projectId);
    if (wanted.last(projectId)?.status !== status) changed(projectId);
  }
  listed?.(projects.map(({ projectId }) => projectId));
  for (const namespace of orphans.look(found, owned, elapsed())) orphaned(namespace);
}

/** Whether something is there of a group that no member wants to be there, as far as that was read. */
function isLeftOf(group: ProjectSpec, snapshot: Snapshot): boolean {
  const operations = plan({ spec: group, rendered: null, snapshot });
  return operations.some(({ environment }) => environment !== null);
}

/** Whether there are other containers than were told: a call that comes late may make one where none is wanted to run. */
function isToldOtherwise(
  { told }: ResyncContext,
  { projectId, environments }: ProjectSpec,
  own: Snapshot,
): boolean {
  return environments.some(({ kind }) => {
    const last = told(projectId, kind);
    if (!last) return false;
    const there = serviceContainers({ found: ofEnvironment(own, kind) }).map(shortId);
    return (
      there.sort().join() !==
      last.services
        .map(({ containerId }) => containerId)
        .sort()
        .join()
    );
  });
}

function differs({ render, held }: ResyncContext, spec: ProjectSpec, snapshot: Snapshot): boolean {
  return plan({ spec, rendered: render(spec), snapshot, held: held(spec.namespace) }).length > 0;
}
