import type { ContainerHealth, ContainerState } from "./engine.ts";

const STATES: readonly ContainerState[] = [
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead",
];

/** A state that an engine does not know today counts as `dead`: nothing that can be relied on. */
export function containerState(text: string): ContainerState {
  return STATES.find((state) => state === text) ?? "dead";
}

/**
 * Reads what Docker's list tells of a container only in words (`Up 2 minutes (healthy)`, `Exited (137) 3 seconds ago`),
 * so that one list call is enough for any number of containers.
 */
export function parseStatus(status: string): { health: ContainerHealth; exitCode: number | null } {
  const exit = /^(?:Exited|Restarting) \((-?\d+)\)/.exec(status);
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(status);
  return {
    exitCode: exit ? Number(exit[1]) : null,
    health: !health ? "none" : health[1] === "health: starting" ? "starting" : (health[1] as ContainerHealth),
  };
}
