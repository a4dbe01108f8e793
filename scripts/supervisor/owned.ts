import type Docker from "dockerode";
import { LABELS, ownedBy } from "../../core/labels.ts";
import { statusOf } from "../images/engineImages.ts";
import { withinDeadline } from "../setup/deadline.ts";

/** What one instance owns in Docker, found by its label alone, and how it is stopped and removed. */

const CALL_DEADLINE_MS = 30_000;
/** How long a container may take to stop before the engine kills it. */
const STOP_GRACE_SECONDS = 10;
const AT_ONCE = 6;

export type OwnedContainer = {
  id: string;
  name: string;
  /** `created`, `running`, `exited` …, as Docker says it. */
  state: string;
  labels: Record<string, string>;
  /** The host's ports that lead to it while it runs. */
  ports: number[];
};

export type Owned = {
  containers: OwnedContainer[];
  networks: { id: string; name: string }[];
  volumes: string[];
};

export async function ownedContainers(docker: Docker, instanceId: string): Promise<OwnedContainer[]> {
  const found = await withinDeadline(
    docker.listContainers({ all: true, filters: { label: [ownedBy(instanceId)] } }),
    CALL_DEADLINE_MS,
    "Listing containers",
  );
  return found.map(({ Id, Names, State, Labels, Ports }) => ({
    id: Id,
    name: Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12),
    state: State,
    labels: Labels,
    ports: (Ports ?? []).flatMap(({ PublicPort }) => (PublicPort ? [PublicPort] : [])),
  }));
}

export async function ownedResources(docker: Docker, instanceId: string): Promise<Owned> {
  const filters = { label: [ownedBy(instanceId)] };
  const [containers, networks, volumes] = await Promise.all([
    ownedContainers(docker, instanceId),
    withinDeadline(docker.listNetworks({ filters }), CALL_DEADLINE_MS, "Listing networks"),
    withinDeadline(docker.listVolumes({ filters }), CALL_DEADLINE_MS, "Listing volumes"),
  ]);
  return {
    containers,
    networks: networks.map(({ Id, Name }) => ({ id: Id, name: Name })),
    volumes: volumes.Volumes.map(({ Name }) => Name),
  };
}

/**
 * Stops the running ones, several at a time; an already stopped or removed one is fine.
 * @param onEach called with the number that is done so far
 */
export async function stopContainers(
  docker: Docker,
  containers: OwnedContainer[],
  onEach: (done: number) => void = () => {},
): Promise<void> {
  const toStop = containers.filter(({ state }) => ["running", "paused", "restarting"].includes(state));
  let done = 0;
  await eachOf(toStop, async ({ id, name }) => {
    const stop = docker.getContainer(id).stop({ t: STOP_GRACE_SECONDS });
    await forgiving([304, 404], stop, `Stopping ${name}`);
    onEach(++done);
  });
}

/** Removes all of `owned`: containers, then what they used. What is gone already is fine. */
export async function removeOwned(docker: Docker, owned: Owned): Promise<void> {
  await eachOf(owned.containers, async ({ id, name }) => {
    const remove = docker.getContainer(id).remove({ force: true, v: true });
    await forgiving([404, 409], remove, `Removing ${name}`);
  });
  await eachOf(owned.networks, async ({ id, name }) => {
    await forgiving([404], docker.getNetwork(id).remove(), `Removing the network ${name}`);
  });
  await eachOf(owned.volumes, async (name) => {
    await forgiving([404], docker.getVolume(name).remove({ force: true }), `Removing the volume ${name}`);
  });
}

export function isGateway({ labels }: OwnedContainer): boolean {
  return labels[LABELS.role] === "gateway";
}

async function eachOf<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** Waits for one of Docker's calls; the answers in `statuses` mean that there was nothing left to do. */
async function forgiving(statuses: number[], call: Promise<unknown>, what: string): Promise<void> {
  try {
    await withinDeadline(call, CALL_DEADLINE_MS, what);
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || !statuses.includes(status))
      throw new Error(`${what} failed`, { cause: error });
  }
}
