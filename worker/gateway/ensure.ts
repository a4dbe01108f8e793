import { resolve } from "node:path";
import type Docker from "dockerode";
import { causeChain, SlipwayError } from "../../core/errors.ts";
import { LABELS, ownedBy } from "../../core/labels.ts";
import {
  GATEWAY_IMAGE,
  gatewayBridge,
  gatewayName,
  gatewayPaths,
  listenAddress,
  type GatewayConfig,
} from "./config.ts";
import { containerSpec, GATEWAY_ROLE, networkSpec } from "./container.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";
import { askDoor } from "./door.ts";
import { installConfiguration, prepareState, removeOtherConfigurations } from "./files.ts";
import { GatewaySource } from "./gatewaySource.ts";
import { waitFor } from "./waitFor.ts";

const READY_MS = 20_000;
const READY_POLL_MS = 50;
/** How often a container is made anew that somebody takes away before it answers. */
const ATTEMPTS = 3;
/** nginx that ends so often before its door ever opens has a fault that no waiting mends. */
const HOPELESS_RESTARTS = 5;
/** Requests in progress get this long to end when a container is replaced; nobody new is served meanwhile. */
const REPLACE_STOP_S = 2;

/** What was done, each as a sentence for the log; empty where everything was as it should be. */
export type EnsureReport = { actions: string[] };

/**
 * Makes Docker have this instance's gateway: its network, its container from the present configuration, answering.
 * Observes first and changes only what differs, so it may run as often as anybody likes; a changed configuration, image
 * or setting makes the container anew. The table survives: nginx loads it before its first request.
 * @param source what it is made from; default: as that is now
 * @throws SlipwayError `setup` (image missing, port taken), `docker`, `gateway` (does not come up) or `deadline`
 */
export async function ensureGateway(
  docker: Docker,
  given: GatewayConfig,
  source: GatewaySource = new GatewaySource(),
): Promise<EnsureReport> {
  const config = { ...given, dataDir: resolve(given.dataDir) };
  const actions: string[] = [];
  const image = await source.image(docker, config.image ?? GATEWAY_IMAGE);
  const configuration = await installConfiguration(config, await source.files());
  await prepareState(config);

  const network = await ensureNetwork(docker, config, actions);
  const spec = { ...containerSpec(config, image.id, configuration), Image: image.reference };
  for (let attempt = 1; ; attempt += 1) {
    await ensureContainer(docker, config, spec, network, actions);
    if ((await waitUntilAnswering(docker, config)) === "answers") break;
    actions.push("the gateway's container went away while it was waited for");
    if (attempt === ATTEMPTS) throw vanished(config);
  }
  await removeOtherConfigurations(config, configuration.hash);
  return { actions };
}

/** Removes this instance's gateway and its network; the table and the configuration on disk stay where they are. */
export async function removeGateway(docker: Docker, instanceId: string): Promise<EnsureReport> {
  const actions: string[] = [];
  for (const container of await ownContainers(docker, instanceId)) {
    await removeContainer(docker, container.Id);
    actions.push(`removed the gateway's container`);
  }
  const name = gatewayName(instanceId);
  const network = await inspectNetwork(docker, name);
  if (network && network.Labels?.[LABELS.instance] === instanceId) {
    await dockerCall(`remove the network ${name}`, (abortSignal) =>
      docker.getNetwork(network.Id).remove({ abortSignal }),
    );
    actions.push(`removed the network ${name}`);
  }
  return { actions };
}

async function ensureNetwork(docker: Docker, config: GatewayConfig, actions: string[]): Promise<string> {
  const wanted = networkSpec(config);
  const found = await inspectNetwork(docker, wanted.Name);
  if (found) {
    if (found.Labels?.[LABELS.instance] !== config.instanceId) {
      throw new SlipwayError({
        code: "setup",
        message: `The network ${wanted.Name} exists and is not this instance's.`,
        hint: `Remove it: docker network rm ${wanted.Name}`,
      });
    }
    const differs = networkDifference(found, config);
    if (differs === null) return found.Id;
    for (const container of await ownContainers(docker, config.instanceId)) {
      await removeContainer(docker, container.Id);
    }
    await dockerCall(`remove the network ${wanted.Name}`, (abortSignal) =>
      docker.getNetwork(found.Id).remove({ abortSignal }),
    );
    actions.push(`removed the network ${wanted.Name}: ${differs}`);
  }
  const made = await dockerCall(`create the network ${wanted.Name}`, (abortSignal) =>
    docker.createNetwork({ ...wanted, abortSignal }),
  );
  actions.push(`created the network ${wanted.Name} on the bridge ${gatewayBridge(config.instanceId)}`);
  return made.id;
}

function networkDifference(found: Docker.NetworkInspectInfo, config: GatewayConfig): string | null {
  const bridge = found.Options?.["com.docker.network.bridge.name"];
  if (bridge !== gatewayBridge(config.instanceId)) return `its bridge is ${bridge}`;
  const subnet = found.IPAM?.Config?.[0]?.Subnet;
  if (config.subnet && subnet !== config.subnet) return `its subnet is ${subnet}`;
  return null;
}

async function ensureContainer(
  docker: Docker,
  config: GatewayConfig,
  spec: Docker.ContainerCreateOptions,
  networkId: string,
  actions: string[],
): Promise<void> {
  const name = gatewayName(config.instanceId);
  const [found, ...others] = await ownContainers(docker, config.instanceId);
  for (const other of others) await removeContainer(docker, other.Id);
  if (found) {
    const differs = containerDifference(found, spec, name, networkId);
    if (differs === null) {
      if (found.State === "running") return;
      if (found.State === "paused") {
        await dockerCall(`resume ${name}`, (abortSignal) =>
          docker.getContainer(found.Id).unpause({ abortSignal }),
        );
        actions.push(`resumed ${name}`);
        return;
      }
      await start(docker, config, found.Id);
      actions.push(`started ${name}, which was ${found.State}`);
      return;
    }
    await setAside(docker, found, name);
    const made = await create(docker, spec, name);
    // Both want the same ports, so the old one must stop before the new one starts; all else is done by then.
    await removeContainer(docker, found.Id, REPLACE_STOP_S);
    await start(docker, config, made.id);
    actions.push(`replaced ${name}: ${differs}`);
    return;
  }
  const made = await create(docker, spec, name);
  await start(docker, config, made.id);
  actions.push(`created and started ${name}`);
}

async function create(docker: Docker, spec: Docker.ContainerCreateOptions, name: string) {
  return await dockerCall(`create ${name}`, (abortSignal) =>
    docker.createContainer({ ...spec, abortSignal }),
  );
}

/** Gives the container another name, under which it goes on serving while its successor is made. */
async function setAside(docker: Docker, found: Docker.ContainerInfo, name: string): Promise<void> {
  const aside = `${name}-old`;
  if (found.Names.includes(`/${aside}`)) return;
  await dockerCallUnless([404], `rename ${name}`, (abortSignal) =>
    docker.getContainer(found.Id).rename({ name: aside, abortSignal }),
  );
}

function containerDifference(
  found: Docker.ContainerInfo,
  spec: Docker.ContainerCreateOptions,
  name: string,
  networkId: string,
): string | null {
  if (found.Labels[LABELS.configHash] !== spec.Labels?.[LABELS.configHash])
    return "its configuration changed";
  if (found.NetworkSettings.Networks[name]?.NetworkID !== networkId) return "its network was made anew";
  if (found.State === "dead" || found.State === "removing") return `it is ${found.State}`;
  return null;
}

async function start(docker: Docker, config: GatewayConfig, id: string): Promise<void> {
  try {
    await dockerCallUnless([304], "start the gateway", (abortSignal) =>
      docker.getContainer(id).start({ abortSignal }),
    );
  } catch (error) {
    if (!/port is already allocated|address already in use/.test(causeChain(error).join(" "))) throw error;
    throw new SlipwayError(
      {
        code: "setup",
        message: `The gateway cannot listen on ${listenAddress(config)}: something else does.`,
        hint: "Stop that, or choose another port for Slipway.",
      },
      { cause: error },
    );
  }
}

/**
 * Waits until nginx answers at its door: then the table is loaded and the front is open.
 * @returns `gone` as soon as there is no container any more that could
 */
async function waitUntilAnswering(docker: Docker, config: GatewayConfig): Promise<"answers" | "gone"> {
  const { pushSocket } = gatewayPaths(config.dataDir);
  const silent = async (howLong: string) =>
    new SlipwayError({
      code: "gateway",
      message: `The gateway does not answer ${howLong}. Its last words: ${await lastWords(docker, config)}`,
      hint: `Look at its log: docker logs ${gatewayName(config.instanceId)}`,
    });
  return await waitFor<"answers" | "gone">(
    READY_MS,
    READY_POLL_MS,
    async () => {
      const answered = await askDoor(pushSocket, { method: "GET", path: "/versions", timeoutMs: 1_000 }).then(
        ({ status }) => status === 200,
        () => false,
      );
      if (answered) return "answers";
      const state = await containerState(docker, config);
      if (state === null || state.status === "exited" || state.status === "dead") return "gone";
      if (state.restarts >= HOPELESS_RESTARTS) throw await silent(`and has ended ${state.restarts} times`);
      return undefined;
    },
    () => silent(`${READY_MS / 1000} s after its start`),
  );
}

/** Null: there is none. */
async function containerState(
  docker: Docker,
  config: GatewayConfig,
): Promise<{ status: string; restarts: number } | null> {
  const name = gatewayName(config.instanceId);
  const found = await dockerCallUnless([404], `inspect ${name}`, (abortSignal) =>
    docker.getContainer(name).inspect({ abortSignal } as Docker.ContainerInspectOptions),
  );
  return found ? { status: found.State.Status, restarts: found.RestartCount } : null;
}

function vanished(config: GatewayConfig): SlipwayError {
  const name = gatewayName(config.instanceId);
  return new SlipwayError({
    code: "gateway",
    message: `The container ${name} went away ${ATTEMPTS} times before it answered.`,
    hint: `Look who removes or stops it: docker events --filter container=${name}`,
  });
}

async function lastWords(docker: Docker, config: GatewayConfig): Promise<string> {
  try {
    const log = await dockerCall("read the gateway's log", (abortSignal) =>
      docker
        .getContainer(gatewayName(config.instanceId))
        .logs({ stdout: false, stderr: true, tail: 3, abortSignal }),
    );
    // Docker frames each line with 8 bytes, of which only the printable ones would be left.
    return (
      log
        .toString("utf8")
        .replace(/[^\x20-\x7e]+/g, " ")
        .trim() || "(none)"
    );
  } catch (error) {
    return `(its log cannot be read: ${error instanceof Error ? error.message : String(error)})`;
  }
}

async function inspectNetwork(docker: Docker, name: string): Promise<Docker.NetworkInspectInfo | null> {
  const networks = await dockerCall("list networks", (abortSignal) =>
    docker.listNetworks({ filters: { name: [name] }, abortSignal }),
  );
  return networks.find((network) => network.Name === name) ?? null;
}

async function ownContainers(docker: Docker, instanceId: string): Promise<Docker.ContainerInfo[]> {
  return dockerCall("list the gateway's containers", (abortSignal) =>
    docker.listContainers({
      all: true,
      filters: { label: [ownedBy(instanceId), `${LABELS.role}=${GATEWAY_ROLE}`] },
      abortSignal,
    }),
  );
}

async function removeContainer(docker: Docker, id: string, stopSeconds = 5): Promise<void> {
  const container = docker.getContainer(id);
  await dockerCallUnless([304, 404], "stop the gateway", (abortSignal) =>
    container.stop({ t: stopSeconds, abortSignal }),
  );
  await dockerCallUnless([404], "remove the gateway's container", (abortSignal) =>
    container.remove({ force: true, v: true, abortSignal }),
  );
}
