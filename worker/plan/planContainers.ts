import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { RenderedService } from "../../core/render/rendered.ts";
import type { ContainerPlan, EngineContainer } from "../engine/engine.ts";
import { MADE_BY_MOUNT } from "../filling/marks.ts";
import { isRolled, reachLabels } from "../rollout/replicas.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import type { PlannedVolume } from "./planFill.ts";

/** Makes a container that is not there, and starts it where nothing is waited for. */
export function planMissing(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  service: RenderedService,
  container: ContainerPlan,
  {
    before,
    networks,
    mounted,
    starts,
    putters,
  }: {
    before: (string | null)[];
    networks: ReadonlyMap<string, string>;
    mounted: readonly PlannedVolume[];
    /** Whether nothing is waited for before it starts. */
    starts: boolean;
    putters: Map<string, string>;
  },
): void {
  const { name } = container;
  const cause = `${kind} is to run and has no such container`;
  const madeBy = (network: { name: string }) => networks.get(network.name) ?? null;
  const created = plan.add(kind, { do: "create container", target: name, container }, cause, [
    ...before,
    ...service.networks.slice(0, 1).map(madeBy),
  ]);
  const connected = service.networks
    .slice(1)
    .map((network) =>
      plan.add(
        kind,
        { do: "connect", target: name, network: network.name, aliases: network.aliases },
        "it is made on one network only",
        [created, madeBy(network)],
      ),
    );
  if (!starts) return;
  plan.add(kind, { do: "start container", target: name }, `${kind} is to run`, [
    created,
    ...connected,
    ...planFirstStart(plan, kind, service, name, mounted, putters, [created]),
  ]);
}

/**
 * @param putters by folder the container that puts a starter there: one of its replicas, before any of them starts
 * @returns what makes sure, before a container is first started, that it starts on what was planned for, and finds its
 *   folder where the service was added to a workspace that is in use
 */
function planFirstStart(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  { workingDir }: RenderedService,
  target: string,
  mounted: readonly PlannedVolume[],
  putters: Map<string, string>,
  after: string[],
): string[] {
  return mounted.flatMap(({ expected, filled, begunAs }) => {
    const confirmed = plan.add(
      kind,
      { do: "confirm filled", target, expected },
      `${target} was never started`,
      [...after, ...filled],
    );
    // Test and deploy run copies, and what those lack the project lacks.
    const starter =
      kind === "dev" &&
      begunAs.find((fill) => fill.from === "starter" && `${WORKSPACE}/${fill.folder}` === workingDir);
    if (!starter || starter.from !== "starter") return [confirmed];
    const { stack, folder } = starter;
    const putter = putters.get(folder) ?? target;
    putters.set(folder, putter);
    const cause = `${expected.volume} may be older than ${putter}`;
    const put = plan.add(kind, { do: "put missing starter", target: putter, stack, folder }, cause, [
      confirmed,
    ]);
    return putter === target ? [put] : [confirmed, put];
  });
}

/** Makes a container that is there what it is to be: connected, and started where it stands still. */
export function planPresent(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  service: RenderedService,
  container: EngineContainer,
  networks: ReadonlyMap<string, string>,
  {
    mounted,
    grown,
    starts,
    putters,
  }: { mounted: readonly PlannedVolume[]; grown: string[]; starts: boolean; putters: Map<string, string> },
  held: string | undefined,
): void {
  const { name, state } = container;
  if (held !== undefined) {
    if (state === "running" || state === "restarting") {
      plan.add(kind, { do: "stop container", target: name, graceMs: service.stopGraceMs }, held);
    }
    return;
  }
  const connected = service.networks
    .filter((network) => !(network.name in container.networks))
    .map((network) =>
      plan.add(
        kind,
        { do: "connect", target: name, network: network.name, aliases: network.aliases },
        "it is not connected",
        [networks.get(network.name) ?? null],
      ),
    );
  const before = [
    ...connected,
    ...mounted.flatMap(({ filled }) => filled),
    ...grown,
    ...service.networks.map((network) => networks.get(network.name) ?? null),
  ];
  if (grown.length > 0 && state !== "created" && state !== "exited") {
    const cause = `${kind} is to run, and it was stopped for its volume to grow`;
    plan.add(kind, { do: "start container", target: name }, cause, before);
    return;
  }
  switch (state) {
    case "created":
      if (!starts) break;
      plan.add(kind, { do: "start container", target: name }, `${kind} is to run, and it was never started`, [
        ...before,
        ...planFirstStart(plan, kind, service, name, mounted, putters, []),
      ]);
      break;
    case "exited":
      if (service.job || !starts) break;
      plan.add(
        kind,
        { do: "start container", target: name },
        `${kind} is to run, and it ended with ${container.exitCode ?? "no exit code"}`,
        before,
      );
      break;
    case "paused":
      plan.add(
        kind,
        { do: "unpause container", target: name },
        `${kind} is to run, and it is paused`,
        before,
      );
      break;
    case "running":
    case "restarting":
    case "removing":
    case "dead":
      break;
  }
}

/** What Docker is told of a replica of a service. */
export function containerPlan(
  kind: EnvironmentKind,
  name: string,
  service: RenderedService,
  replica: number,
): ContainerPlan {
  const {
    [LABELS.instance]: instance,
    [LABELS.project]: project,
    [LABELS.namespace]: namespace,
  } = service.labels;
  const owner = { [LABELS.instance]: instance!, [LABELS.project]: project!, [LABELS.namespace]: namespace! };
  return {
    ...service,
    name,
    volumeLabels: { ...owner, [LABELS.environment]: kind, [LABELS.filling]: MADE_BY_MOUNT },
    labels: {
      ...service.labels,
      [LABELS.replica]: String(replica),
      [LABELS.configHash]: service.configHash,
      ...(isRolled(kind, service) ? reachLabels(service) : {}),
      "com.docker.compose.container-number": String(replica),
      "com.docker.compose.oneoff": "False",
      "com.docker.compose.config-hash": service.configHash,
    },
  };
}
