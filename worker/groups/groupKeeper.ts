import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { GroupSpec, ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import { renderGroup } from "../../core/render/render.ts";
import { declaredVolumes, type Attaching } from "../attachments/attaching.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Engine } from "../engine/engine.ts";
import { execute, type Failure } from "../execute.ts";
import { attemptName } from "../filling/marks.ts";
import type { Images } from "../images.ts";
import type { Log } from "../log.ts";
import { describe, type Operation } from "../plan/operation.ts";
import { plan } from "../plan/plan.ts";
import type { Readiness } from "../readiness.ts";
import { revealer } from "../reveal.ts";
import { probeTargets, seeProject } from "../seen.ts";
import { observe, ofEnvironment, type Snapshot } from "../snapshot.ts";
import type { Starters } from "../starters.ts";
import { reallocateTakenSubnets } from "../turn/takenSubnets.ts";
import { asProject } from "./groupProject.ts";

/**
 * Keeps what a group's members share: a network and the group's attachments for each kind of environment. There is no
 * turn of its own for a group: each member's turn makes what that member needs before its own plan, and takes away what
 * no member needs after it. Turns of two members may run side by side, so one group is looked after by one at a time.
 */

const PARALLEL_CALLS = 4;

export type GroupContext = {
  engine: Engine;
  controlPlane: Pick<ControlPlane, "project" | "reallocateSubnet">;
  attaching: Attaching;
  images: Images;
  readiness: Readiness;
  starters: Starters;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
  /** In [0, 1). */
  random: () => number;
  log: Log;
  /** Containers of a namespace that must not run now. */
  held(namespace: string): ReadonlyMap<string, string>;
};

export type GroupOutcome = {
  failed: Failure[];
  /** By kind the first attachment that does not answer yet. */
  silent: Map<EnvironmentKind, string>;
  /** The kinds of which no member needs anything any more, and something is there yet. */
  left: Set<EnvironmentKind>;
  /** The group's networks as they are now: by name Docker's id. */
  networks: ReadonlyMap<string, string>;
};

const NOTHING: GroupOutcome = { failed: [], silent: new Map(), left: new Set(), networks: new Map() };

export class GroupKeeper {
  private readonly last = new Map<string, Promise<unknown>>();

  /** What `spec`'s running environments need of its group, made and answering as far as it can be. */
  async provide(context: GroupContext, spec: ProjectSpec): Promise<GroupOutcome> {
    const { group } = spec;
    const kinds = kindsOf(spec, (desired) => desired === "running");
    if (!group || kinds.length === 0) return NOTHING;
    return await this.alone(group.namespace, async () => {
      const wanted = { ...group, desired: { ...group.desired, ...all(kinds, "running" as const) } };
      return await settle(context, spec.projectId, wanted, kinds);
    });
  }

  /**
   * Stops and removes what `spec`'s other environments needed and no member needs any more. Whether one does is asked of
   * the control plane first: another member may have come meanwhile.
   */
  async release(context: GroupContext, spec: ProjectSpec): Promise<GroupOutcome> {
    const { group, projectId } = spec;
    const kinds = kindsOf(spec, (desired) => desired !== "running");
    if (!group || kinds.length === 0) return NOTHING;
    return await this.alone(group.namespace, async () => {
      const found = await observe(context.engine, { ...context, namespace: group.namespace });
      if (operationsFor(context, group, kinds, found, null).length === 0) return NOTHING;
      const now = (await context.controlPlane.project(projectId))?.group;
      if (!now || now.namespace !== group.namespace) return NOTHING;
      const unneeded = kinds.filter((kind) => now.desired[kind] !== "running");
      return await settle(context, projectId, now, unneeded);
    });
  }

  private async alone<T>(namespace: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(namespace) ?? Promise.resolve();
    const mine = before.then(work, work);
    const ended = mine.catch(() => {});
    this.last.set(namespace, ended);
    try {
      return await mine;
    } finally {
      if (this.last.get(namespace) === ended) this.last.delete(namespace);
    }
  }
}

async function settle(
  context: GroupContext,
  projectId: string,
  group: GroupSpec,
  kinds: readonly EnvironmentKind[],
): Promise<GroupOutcome> {
  const { engine, images, attaching, starters, instanceId, log } = context;
  const project = asProject(group);
  const imageVolumes = await declaredVolumes(project, attaching, images);
  const running = kinds.filter((kind) => group.desired[kind] === "running");
  const { project: rendered } = renderGroup({
    ...{ group, attachments: attaching.definitions, imageVolumes, kinds: running, instanceId },
    template: context.template,
  });
  const look = () => observe(engine, { instanceId, namespace: group.namespace });
  const found = await look();
  const operations = operationsFor(context, group, kinds, found, {
    rendered,
    missingImages: await images.missing(
      rendered.environments.flatMap(({ services }) => services.map(({ image }) => image)),
    ),
  });
  const { failed } = await execute(engine, starters, operations, {
    parallel: PARALLEL_CALLS,
    found: found.containers,
    reveal: revealer({}, attaching.credentials),
    ...(attaching.buildImage && { buildImage: attaching.buildImage }),
    onDone: (operation, tookMs) =>
      log("done", {
        group: group.name,
        operation: describe(operation),
        cause: operation.cause,
        ms: Math.round(tookMs),
      }),
  });
  for (const { operation, error } of failed) {
    log("failed", { group: group.name, operation: describe(operation), cause: operation.cause, error });
  }
  const of = { projectId, name: group.name, namespace: group.namespace };
  const refusal = await reallocateTakenSubnets(context, of, failed, () => "group");
  if (refusal !== null) throw refusal as Error;
  const after = await look();
  return {
    failed,
    silent: await silentOf(context, group, rendered, after, running),
    left: new Set(kinds.filter((kind) => group.desired[kind] === "absent" && isThere(after, kind))),
    networks: new Map(after.networks.map(({ name, id }) => [name, id])),
  };
}

/** Volumes count for nothing: a group keeps them for as long as it has members. */
function isThere(found: Snapshot, kind: EnvironmentKind): boolean {
  const { containers, networks } = ofEnvironment(found, kind);
  return containers.length + networks.length > 0;
}

/** What is to be done for `kinds`; of the group's other kinds other members take care. */
function operationsFor(
  { held, random }: GroupContext,
  group: GroupSpec,
  kinds: readonly EnvironmentKind[],
  snapshot: Snapshot,
  known: { rendered: RenderedProject; missingImages: ReadonlySet<string> } | null,
): Operation[] {
  const operations = plan({
    spec: asProject(group),
    rendered: known?.rendered ?? null,
    snapshot,
    ...(known && { missingImages: known.missingImages }),
    held: held(group.namespace),
    attempt: attemptName(random),
  });
  return operations.filter(({ environment }) => environment !== null && kinds.includes(environment));
}

/** Whom of the group's attachments services still wait for; follows them until they answer. */
async function silentOf(
  { readiness }: GroupContext,
  group: GroupSpec,
  rendered: RenderedProject,
  found: Snapshot,
  kinds: readonly EnvironmentKind[],
): Promise<Map<EnvironmentKind, string>> {
  const project = asProject(group);
  await readiness.follow(
    group.namespace,
    probeTargets(group.namespace, seeProject(project, rendered, found, readiness)),
  );
  return new Map(
    seeProject(project, rendered, found, readiness)
      .filter(({ spec }) => kinds.includes(spec.kind))
      .flatMap(({ spec, replicas }) => {
        const silent = replicas.find(({ ready }) => !ready);
        return silent ? [[spec.kind, silent.service.service] as const] : [];
      }),
  );
}

function kindsOf(
  { environments }: ProjectSpec,
  fits: (desired: ProjectSpec["environments"][number]["desired"]) => boolean,
): EnvironmentKind[] {
  return ENVIRONMENT_KINDS.filter((kind) =>
    environments.some((environment) => environment.kind === kind && fits(environment.desired)),
  );
}

function all<T>(kinds: readonly EnvironmentKind[], value: T): Partial<Record<EnvironmentKind, T>> {
  return Object.fromEntries(kinds.map((kind) => [kind, value]));
}
