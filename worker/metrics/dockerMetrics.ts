import type Docker from "dockerode";
import { withDeadline } from "../engine/deadline.ts";
import type { Engine } from "../engine/engine.ts";
import { engineErrorOf, statusOf } from "../engine/engineError.ts";
import type { MetricsEngine } from "./metrics.ts";

/** A look that takes longer would not be in time for the next one. */
const DEADLINE_MS = 4_000;
const MICROSECONDS = 1e6;
const NANOSECONDS = 1e9;

/** What the samples need of a real engine, beside what the worker asks of it. */
export function dockerMetrics(
  docker: Docker,
  engine: Pick<Engine, "listContainers" | "watch">,
): MetricsEngine {
  const ask = async <T>(what: string, call: (abortSignal: AbortSignal) => Promise<T>): Promise<T | null> => {
    try {
      return await withDeadline(what, DEADLINE_MS, call);
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw engineErrorOf(what, error);
    }
  };
  return {
    listContainers: async (owned) => await engine.listContainers(owned),
    watch: (listener) => engine.watch(listener),
    async configOf(id) {
      const found = await ask(`look at ${id}`, (abortSignal) =>
        docker.getContainer(id).inspect({ abortSignal }),
      );
      if (!found) return null;
      const { State, HostConfig, Mounts } = found;
      return {
        pid: State.Pid,
        cpuLimit: cpuLimitOf(HostConfig),
        memoryLimitBytes: HostConfig.Memory || null,
        volumes: Mounts.flatMap(({ Type, Name }) => (Type === "volume" && Name ? [Name] : [])),
      };
    },
    // One-shot: without it the engine waits for a second reading, which the sampler makes itself.
    stats: async (id) =>
      await ask(`say what ${id} uses`, async (abortSignal) => {
        const options = { stream: false, "one-shot": true, abortSignal } as const;
        return (await docker.getContainer(id).stats(options)) as unknown;
      }),
  };
}

function cpuLimitOf({ NanoCpus, CpuQuota, CpuPeriod }: Docker.HostConfig): number | null {
  if (NanoCpus) return NanoCpus / NANOSECONDS;
  if (CpuQuota && CpuQuota > 0) return CpuQuota / (CpuPeriod || MICROSECONDS / 10);
  return null;
}
