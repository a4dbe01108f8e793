import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cgroupOf, type Cgroup } from "./cgroup/cgroupOf.ts";

/** What Docker knows of a container that does not change while it is there. */
export type ContainerConfig = {
  /** Of its first process, on the engine's machine; 0 while it does not run. */
  pid: number;
  /** Cores; null: as many as there are. */
  cpuLimit: number | null;
  memoryLimitBytes: number | null;
  /** Names of the volumes that it mounts. */
  volumes: string[];
};

export type ContainerFacts = ContainerConfig & {
  /** Null where its files cannot be read from here: on another machine, in a virtual one. */
  cgroup: Cgroup | null;
};

/** Where the kernel shows itself: other folders in tests. */
export type KernelRoots = { proc: string; cgroup: string };
export const KERNEL: KernelRoots = { proc: "/proc", cgroup: "/sys/fs/cgroup" };

const ASKED_AT_ONCE = 4;

export type FactsContext = {
  /** Null: there is no such container. */
  configOf: (id: string) => Promise<ContainerConfig | null>;
  roots?: KernelRoots;
  onError: (id: string, error: unknown) => void;
};

/** Remembers what is known of each container: Docker is asked once, when it is first seen. */
export class KnownFacts {
  private readonly known = new Map<string, ContainerFacts>();
  private readonly roots: KernelRoots;

  constructor(private readonly context: FactsContext) {
    this.roots = context.roots ?? KERNEL;
  }

  of(id: string): ContainerFacts | undefined {
    return this.known.get(id);
  }

  /** Asks of those that are not known yet, a few at once; one that cannot be asked now is asked the next time. */
  async learn(ids: readonly string[]): Promise<void> {
    const waiting = ids.filter((id) => !this.known.has(id));
    const lane = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        try {
          const config = await this.context.configOf(id);
          if (config && config.pid > 0) {
            this.known.set(id, { ...config, cgroup: await this.find(id, config.pid) });
          }
        } catch (error) {
          this.context.onError(id, error);
        }
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, lane));
  }

  /** Forgets those that `isThere` no longer. */
  forget(isThere: (id: string) => boolean): void {
    for (const id of this.known.keys()) if (!isThere(id)) this.known.delete(id);
  }

  private async find(id: string, pid: number): Promise<Cgroup | null> {
    const text = await readFile(`${this.roots.proc}/${pid}/cgroup`, "utf8").catch(() => "");
    const cgroup = cgroupOf(text, id, this.roots.cgroup);
    const folder = cgroup?.version === 1 ? cgroup.memory : cgroup?.folder;
    return cgroup && existsSync(`${folder}/cgroup.procs`) ? cgroup : null;
  }
}
