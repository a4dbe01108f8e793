import { lastLines } from "../../core/text.ts";
import type { SeenEnvironment } from "../seen.ts";

/** Which services are meant: `web, api`. */
export function serviceNames(replicas: SeenEnvironment["replicas"]): string {
  return [...new Set(replicas.map(({ service }) => service.service))].join(", ");
}

/** What a failed container said last, as the end of a message; empty where it said nothing. */
export function logLines(logs: ReadonlyMap<string, string>, name: string): string {
  return lastLines(logs.get(name));
}
