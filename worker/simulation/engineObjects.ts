import type { ContainerHealth, ContainerPlan, ContainerState } from "../engine/engine.ts";

/** What the fake engine holds. People may look; only the engine's own files change it. */

export type Endpoint = {
  /** Which network of that name; null until the container has run on it. */
  networkId: string | null;
  /** IPv4, while the container runs. */
  address: string | null;
};

export type FakeContainer = {
  id: string;
  name: string;
  image: string;
  labels: Record<string, string>;
  plan: ContainerPlan;
  state: ContainerState;
  health: ContainerHealth;
  exitCode: number | null;
  endpoints: Map<string, Endpoint>;
  /** Rises with every start and end: what was set in motion for an earlier run counts no more. */
  run: number;
  /** Of this run, in virtual ms. */
  startedAt: number;
  /** The last run by the machine's clock, in ms since 1970. */
  ranAt: { startedAt: number; finishedAt: number | null } | null;
  /** Whether it answers. */
  listening: boolean;
  /** Somebody asked for its end: its restart policy does not count. */
  stoppedByHand: boolean;
  backoffMs: number;
  removing: boolean;
  gone: boolean;
  /** Everything that is done to it one after the other. */
  lock: Promise<unknown>;
};

export type FakeNetwork = {
  id: string;
  name: string;
  labels: Record<string, string>;
  internal: boolean;
  subnet: string | null;
};

export type FakeVolume = {
  name: string;
  labels: Record<string, string>;
  files: Map<string, string>;
  /** How often its project has written there since. */
  writes: number;
  /** The containers through which something is being put into it right now. */
  putters: Set<FakeContainer>;
};

export function isRunning({ state }: FakeContainer): boolean {
  return state === "running" || state === "paused";
}
