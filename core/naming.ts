import type { EnvironmentKind } from "./lifecycle.ts";

const NAME_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/** `length` characters that are easy to read aloud, from `random` (each call returns a number in [0, 1)). */
export function randomId(length: number, random: () => number): string {
  return Array.from({ length }, () => NAME_ALPHABET[Math.floor(random() * NAME_ALPHABET.length)]).join("");
}

/** The name that one project has in Docker and in URLs: `project_<ms since 1970>_<8 random characters>`. */
export function makeNamespace(nowMs: number, random: () => number): string {
  return `project_${Math.floor(nowMs)}_${randomId(8, random)}`;
}

export const NAMESPACE = /^project_\d{10,16}_[a-z0-9]{4,16}$/;

/** The longest slug: `deploy--<slug>` must fit in one DNS label of 63 characters. */
export const MAX_SLUG_LENGTH = 48;
export const SLUG = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** `My Shop!` → `my-shop`. Empty where `name` has no letter or digit that ASCII knows. */
export function slugify(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/-{2,}/g, "-")
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/^-+|-+$/g, "");
}

export function networkName(namespace: string, kind: EnvironmentKind): string {
  return `${namespace}_${kind}`;
}

export function egressNetworkName(namespace: string, kind: EnvironmentKind): string {
  return `${namespace}_${kind}_egress`;
}

export function containerName(
  namespace: string,
  kind: EnvironmentKind,
  service: string,
  replica: number,
): string {
  return `${namespace}-${kind}-${service}-${replica}`;
}

/**
 * A container of a service that is rolled out: beside one of an earlier revision, so its name tells them apart.
 * @param configHash of the service, as rendered
 */
export function rolloutContainerName(
  namespace: string,
  kind: EnvironmentKind,
  service: string,
  configHash: string,
  replica: number,
): string {
  return `${namespace}-${kind}-${service}-${revisionOf(configHash)}-${replica}`;
}

/** What tells the containers of two configurations of a service apart. */
export function revisionOf(configHash: string): string {
  return configHash.slice(0, 8);
}

export function volumeName(namespace: string, kind: EnvironmentKind, volume: string): string {
  return `${namespace}_${kind}_${volume}`;
}

/** The volume that holds what a release runs: `snapshot` is the SHA-256 of its content, in hex. */
export function snapshotVolumeName(namespace: string, snapshot: string): string {
  return `${namespace}_snapshot_${snapshot.slice(0, SNAPSHOT_DIGITS)}`;
}
const SNAPSHOT_DIGITS = 16;

/**
 * The volume with an environment's files. Dev's stays the same; a test of a release begins with a fresh one, and each
 * deployed snapshot has one of its own.
 */
export function workspaceVolumeName(
  namespace: string,
  kind: EnvironmentKind,
  release: { number: number; snapshot: string } | null,
): string {
  if (release === null || kind === "dev") return volumeName(namespace, kind, "workspace");
  const which = kind === "test" ? `r${release.number}` : release.snapshot.slice(0, SNAPSHOT_DIGITS);
  return volumeName(namespace, kind, `workspace_${which}`);
}

/** The prefix of every project bridge of one instance: what the firewall's rules match. */
export function bridgePrefix(instanceId: string): string {
  return `sw${instanceId.slice(0, 4)}`;
}

/** Linux allows 15 characters for an interface: the prefix and 8 characters of a hash of the network's name. */
export function bridgeName(instanceId: string, network: string): string {
  return bridgePrefix(instanceId) + fnv64(network).slice(0, 8);
}

export function gatewayBridgeName(instanceId: string): string {
  return `sg${instanceId}`;
}

/** FNV-1a, 64 bits, in base 36: short and stable; for names only, never for secrets or for content. */
function fnv64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(36).padStart(13, "0").slice(-13);
}
