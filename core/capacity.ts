import type { DesiredState, EnvironmentKind } from "./lifecycle.ts";
import { servicesOf, type Manifest } from "./manifest.ts";
import { formatMemory, parseMemory } from "./units.ts";

/** How much of a host a project reserves, and which host has room for it. */

export type Reservation = { cpus: number; memoryBytes: number };

export const NOTHING: Reservation = { cpus: 0, memoryBytes: 0 };

/**
 * How many times over a host's CPUs and memory may be promised. A limit is a ceiling that most containers stay far
 * below (an idle one uses about 5 MiB of its 2 GiB), so a host that promised only what it has would stand idle.
 */
export type Overcommit = { cpus: number; memory: number };
export const DEFAULT_OVERCOMMIT: Overcommit = { cpus: 128, memory: 64 };

export type HostCapacity = {
  name: string;
  cpus: number;
  memoryBytes: number;
  reserved: Reservation;
};

/**
 * What the containers of the environments that should run may use at most, together.
 * @param scaled by service the deployed replicas, in place of what the manifest says
 */
export function reservationOf(
  manifest: Manifest,
  desired: Partial<Record<EnvironmentKind, DesiredState>>,
  scaled: Readonly<Record<string, number>> = {},
): Reservation {
  const services = Object.entries(servicesOf(manifest));
  const total = { ...NOTHING };
  for (const [kind, limits] of Object.entries(manifest.environments)) {
    const state = desired[kind as EnvironmentKind];
    // A paused container uses no CPU and gives no memory back.
    const paused = state === "hibernated" && limits.hibernate === "pause";
    if (state !== "running" && !paused) continue;
    for (const { cpus, memory } of manifest.attachments) {
      if (!paused) total.cpus += cpus;
      total.memoryBytes += parseMemory(memory) ?? 0;
    }
    for (const [name, service] of services) {
      const replicas = kind === "deploy" ? (scaled[name] ?? limits.replicas ?? service.replicas ?? 1) : 1;
      if (!paused) total.cpus += limits.cpus * replicas;
      total.memoryBytes += (parseMemory(limits.memory) ?? 0) * replicas;
    }
  }
  return total;
}

/** The largest single container that the environments that should run have: no host can split one. */
export function largestContainer(
  manifest: Manifest,
  desired: Partial<Record<EnvironmentKind, DesiredState>>,
): Reservation {
  const running = Object.entries(manifest.environments).filter(
    ([kind]) => desired[kind as EnvironmentKind] === "running",
  );
  const containers = running.flatMap(([, limits]) => [limits, ...manifest.attachments]);
  return {
    cpus: Math.max(0, ...containers.map(({ cpus }) => cpus)),
    memoryBytes: Math.max(0, ...containers.map(({ memory }) => parseMemory(memory) ?? 0)),
  };
}

/**
 * What `host` lacks to take `wanted` on top of what is reserved there, as text for people; null where it fits.
 * @param container the largest single container, which must fit the machine itself, with no overcommitting
 */
export function missingOn(
  host: HostCapacity,
  wanted: Reservation,
  container: Reservation,
  overcommit: Overcommit,
): string | null {
  if (container.cpus > host.cpus) {
    return `${host.name} has ${host.cpus} CPUs, and one container wants ${container.cpus}`;
  }
  if (container.memoryBytes > host.memoryBytes) {
    return `${host.name} has ${formatGiB(host.memoryBytes)}, and one container wants ${formatMemory(container.memoryBytes)}`;
  }
  const cpus = host.reserved.cpus + wanted.cpus - host.cpus * overcommit.cpus;
  const memoryBytes = host.reserved.memoryBytes + wanted.memoryBytes - host.memoryBytes * overcommit.memory;
  const lacks: string[] = [];
  if (cpus > 1e-9) lacks.push(`${round(cpus)} CPUs`);
  if (memoryBytes > 0) lacks.push(formatGiB(memoryBytes));
  return lacks.length === 0 ? null : `${host.name} lacks ${lacks.join(" and ")}`;
}

/** Orders hosts: the least reserved share of memory first, then of CPU, then by name. */
export function byLeastReserved(one: HostCapacity, other: HostCapacity): number {
  return (
    one.reserved.memoryBytes / one.memoryBytes - other.reserved.memoryBytes / other.memoryBytes ||
    one.reserved.cpus / one.cpus - other.reserved.cpus / other.cpus ||
    (one.name < other.name ? -1 : one.name > other.name ? 1 : 0)
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function formatGiB(bytes: number): string {
  return `${round(bytes / 1024 ** 3)} GiB`;
}
