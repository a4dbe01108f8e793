import type Docker from "dockerode";
import { LABELS, ownedBy } from "../../core/labels.ts";
import { bridgeName } from "../../core/naming.ts";
import { EngineError } from "../engine/engineError.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";
import { gatewayAccessOptions } from "./firewall.ts";

export const PROBE_ROLE = "firewall-probe";
export const PROBE_PORT = 8080;

const TOOLS_IMAGE = "slipway/tools:1";
/** Whatever happens to the worker, its probes end by themselves after so long. */
const LIFE_SECONDS = 60;
const SUBNET_TRIES = 20;
const MEBIBYTE = 1024 ** 2;

/** One container that listens, alone on a network like a project's. */
export type ProbeSide = { container: Docker.Container; address: string; hostAddress: string };

/** Two such, the first on an internal network, the second on an open one; `end` removes everything. */
export type ProbeWorld = { sides: readonly [ProbeSide, ProbeSide]; end: () => Promise<void> };

/** @throws EngineError, with nothing left behind */
export async function makeProbeWorld(docker: Docker, instanceId: string, id: string): Promise<ProbeWorld> {
  const end = async () => await removeProbes(docker, instanceId, id);
  try {
    const [closed, open] = await Promise.all([
      makeSide(docker, instanceId, id, true),
      makeSide(docker, instanceId, id, false),
    ]);
    return { sides: [closed, open], end };
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
}

/** Removes what probes made: all of the instance's, or only those of one world. */
export async function removeProbes(docker: Docker, instanceId: string, id?: string): Promise<void> {
  const isProbe = ({ Labels }: { Labels?: Record<string, string> }) => {
    const role = Labels?.[LABELS.role] ?? "";
    return id === undefined ? role.startsWith(PROBE_ROLE) : role === roleOf(id);
  };
  const filters = { label: [ownedBy(instanceId)] };
  const containers = await dockerCall("list firewall probes", (abortSignal) =>
    docker.listContainers({ all: true, filters, abortSignal }),
  );
  await Promise.all(
    containers
      .filter(isProbe)
      .map(({ Id }) =>
        dockerCallUnless([404, 409], "remove a firewall probe", (abortSignal) =>
          docker.getContainer(Id).remove({ force: true, v: true, abortSignal }),
        ),
      ),
  );
  const networks = await dockerCall("list the networks of firewall probes", (abortSignal) =>
    docker.listNetworks({ filters, abortSignal }),
  );
  await Promise.all(
    networks
      .filter(isProbe)
      .map(({ Id }) =>
        dockerCallUnless([404], "remove the network of a firewall probe", (abortSignal) =>
          docker.getNetwork(Id).remove({ abortSignal }),
        ),
      ),
  );
}

function roleOf(id: string): string {
  return `${PROBE_ROLE}-${id}`;
}

async function makeSide(
  docker: Docker,
  instanceId: string,
  id: string,
  internal: boolean,
): Promise<ProbeSide> {
  const name = `slipway-${instanceId}-probe-${id}-${internal ? "closed" : "open"}`;
  const labels = { [LABELS.instance]: instanceId, [LABELS.role]: roleOf(id) };
  const prefix = await makeNetwork(docker, instanceId, name, internal, labels);
  const [address, hostAddress] = [`${prefix}.2`, `${prefix}.1`];
  const container = await dockerCall("create a firewall probe", (abortSignal) =>
    docker.createContainer({
      name,
      Image: TOOLS_IMAGE,
      User: "1000:1000",
      Entrypoint: ["busybox", "timeout", String(LIFE_SECONDS)],
      Cmd: ["busybox", "httpd", "-f", "-p", String(PROBE_PORT), "-h", "/tmp"],
      Labels: labels,
      HostConfig: {
        AutoRemove: true,
        Init: true,
        NetworkMode: name,
        ReadonlyRootfs: true,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        Memory: 32 * MEBIBYTE,
        PidsLimit: 128,
        Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=1m" },
        LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
      },
      NetworkingConfig: { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: address } } } },
      abortSignal,
    }),
  );
  await dockerCall("start a firewall probe", (abortSignal) => container.start({ abortSignal }));
  return { container, address, hostAddress };
}

/** A /29 of 198.18.0.0/15, which is set aside for tests of networks. @returns its first three bytes */
async function makeNetwork(
  docker: Docker,
  instanceId: string,
  name: string,
  internal: boolean,
  labels: Record<string, string>,
): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const prefix = `198.18.${Math.floor(Math.random() * 256)}`;
    try {
      await dockerCall("create a firewall probe's network", (abortSignal) =>
        docker.createNetwork({
          Name: name,
          CheckDuplicate: true,
          Internal: internal,
          IPAM: { Driver: "default", Config: [{ Subnet: `${prefix}.0/29` }] },
          Options: {
            "com.docker.network.bridge.name": bridgeName(instanceId, name),
            ...gatewayAccessOptions(instanceId),
          },
          Labels: labels,
          abortSignal,
        }),
      );
      return prefix;
    } catch (error) {
      const taken = error instanceof EngineError && error.fault === "subnet_taken";
      if (!taken || attempt >= SUBNET_TRIES) throw error;
    }
  }
}
