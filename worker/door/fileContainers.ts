import { createHash } from "node:crypto";
import { LABELS } from "../../core/labels.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { Clock } from "../clock.ts";
import type { ContainerPlan, Engine } from "../engine/engine.ts";
import { EngineError } from "../engine/engineError.ts";

/** The value of `LABELS.role` on a container that reaches a workspace's files. It is of no project's environment. */
export const FILES_ROLE = "files";
const IMAGE = "slipway/tools:1";
/** Short: a volume cannot be removed while a container has it. */
const IDLE_MS = 4_000;
/** It ends by itself where a worker was killed and none came after it. */
const LIFE_S = 6 * 3600;
const MEBIBYTE = 1024 ** 2;

type Known = { name: string; made: Promise<void>; users: number; cancel: (() => void) | null };

type EnginePart = Pick<
  Engine,
  "createContainer" | "startContainer" | "removeContainer" | "listContainers" | "changeDone"
>;

/**
 * Small containers of the worker's own, each with one workspace volume and nothing else: no network, no capability, no
 * other file that could be read or written. Whatever a path or a link in the workspace says, it leads nowhere. So files
 * can be reached whether or not the project's own containers run, and whatever their images bring along.
 */
export class FileContainers {
  private readonly known = new Map<string, Known>();
  /** By volume the removal that is going on: Docker refuses another of the same container. */
  private readonly removals = new Map<string, Promise<unknown>>();
  private closed = false;

  constructor(
    private readonly engine: EnginePart,
    private readonly instanceId: string,
    private readonly clock: Clock,
  ) {}

  /** Removes what an earlier worker left. */
  async sweep(): Promise<void> {
    const all = await this.engine.listContainers({ instanceId: this.instanceId });
    const left = all.filter(({ labels }) => labels[LABELS.role] === FILES_ROLE);
    await Promise.all(left.map(({ id }) => this.engine.removeContainer(id)));
  }

  /** Does `work` with a running container that has `volume` at /workspace. */
  async use<T>(volume: string, work: (container: string) => Promise<T>): Promise<T> {
    const known = this.known.get(volume) ?? this.make(volume);
    known.users += 1;
    known.cancel?.();
    known.cancel = null;
    try {
      await known.made;
      return await work(known.name);
    } catch (error) {
      // It may have gone behind our back: the next one shall not find it here.
      if (error instanceof EngineError) this.forget(volume, known);
      throw error;
    } finally {
      known.users -= 1;
      if (known.users === 0) {
        known.cancel = this.clock.after(IDLE_MS, () => void this.end(volume, known));
      }
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.known].map(([volume, known]) => this.end(volume, known)));
  }

  private make(volume: string): Known {
    const hash = createHash("sha256").update(volume).digest("hex").slice(0, 16);
    const name = `slipway-${this.instanceId}-files-${hash}`;
    const made = (async () => {
      await this.removals.get(volume);
      if (this.closed) throw new Error("The door is closed.");
      await this.engine.removeContainer(name);
      await this.engine.createContainer(filesContainer(name, volume, this.instanceId));
      await this.engine.startContainer(name);
    })();
    const known: Known = { name, made, users: 0, cancel: null };
    made.catch(() => this.forget(volume, known));
    this.known.set(volume, known);
    return known;
  }

  private forget(volume: string, known: Known): void {
    if (this.known.get(volume) === known) this.known.delete(volume);
  }

  private async end(volume: string, known: Known): Promise<void> {
    known.cancel?.();
    if (this.known.get(volume) === known && known.users > 0 && !this.closed) return;
    this.forget(volume, known);
    await known.made.catch(() => {});
    // Another may have taken the name meanwhile, for the same volume: then it is that one's.
    if (this.known.has(volume)) return;
    const removal = this.engine.removeContainer(known.name).catch(() => {
      // Swept by the next worker at the latest, and ended by itself.
    });
    this.removals.set(volume, removal);
    await removal;
    if (this.removals.get(volume) === removal) this.removals.delete(volume);
  }
}

export function filesContainer(name: string, volume: string, instanceId: string): ContainerPlan {
  return {
    name,
    image: IMAGE,
    entrypoint: null,
    command: ["sleep", String(LIFE_S)],
    user: "1000:1000",
    workingDir: WORKSPACE,
    environment: {},
    labels: { [LABELS.instance]: instanceId, [LABELS.role]: FILES_ROLE },
    networks: [],
    mounts: [{ volume, target: WORKSPACE, readOnly: false, noCopy: true }],
    dns: [],
    tmpfs: {},
    readOnly: true,
    init: true,
    capDrop: ["ALL"],
    securityOptions: ["no-new-privileges:true"],
    memoryBytes: 128 * MEBIBYTE,
    memorySwapBytes: 128 * MEBIBYTE,
    cpus: 1,
    pids: 128,
    stopGraceMs: 0,
    restart: "no",
    healthcheck: null,
    logging: { driver: "json-file", options: { "max-size": "1m", "max-file": "1" } },
  };
}
