import { SlipwayError } from "./errors.ts";
import type { EnvironmentKind } from "./lifecycle.ts";
import { servicesOf, type Manifest } from "./manifest.ts";

/** Ports of a host that project containers are published on, always at 127.0.0.1 (DESIGN.md rule 13). */

export const DEFAULT_PORT_RANGE = "30000-31999";

/** Both ends belong to it. */
export type PortRange = { first: number; last: number };

/** @throws SlipwayError `setup` where `text` is no range of ports above 1023 */
export function parsePortRange(text: string): PortRange {
  const match = /^(\d{4,5})-(\d{4,5})$/.exec(text.trim());
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match && first >= 1024 && last <= 65_535 && first <= last) return { first, last };
  throw new SlipwayError({
    code: "setup",
    message: `"${text}" is not a range of ports, like ${DEFAULT_PORT_RANGE}.`,
    hint: "Correct SLIPWAY_PORT_RANGE: two ports from 1024 to 65535, the lower one first.",
  });
}

/** The variable that tells a service's host port, to people and to the project's own containers. */
export function portVariable(kind: EnvironmentKind, service: string): string {
  return `${kind}_${service}_port`.toUpperCase().replaceAll("-", "_");
}

/** The services and attachments of `manifest` that want a port of the host. */
export function publishedServices(manifest: Manifest): string[] {
  const services = Object.entries(servicesOf(manifest)).filter(([, service]) => service.publish);
  const attachments = manifest.attachments.filter(({ publish }) => publish);
  return [...services.map(([name]) => name), ...attachments.map(({ alias }) => alias)];
}
