import { LABELS } from "../../core/labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { Clock } from "../clock.ts";
import type { Engine, EngineContainer, EngineWatch } from "../engine/engine.ts";
import type { LogLine } from "../engine/logFrames.ts";
import type { Log } from "../log.ts";
import { LogBells, type LogFollower } from "./logBells.ts";

/** A line as the control plane keeps it, for those who have no Docker: agents, through the agents' door. */
export type KeptLine = LogLine & { service: string; replica: number };

export interface LogStore {
  /** At most `LINES_A_LOOK` lines at a time. */
  appendLogs(projectId: string, kind: EnvironmentKind, lines: KeptLine[]): Promise<void>;
}

export type LogKeeperContext = {
  engine: Pick<Engine, "listContainers" | "readLogs" | "watch"> & LogFollower;
  store: LogStore;
  instanceId: string;
  clock: Clock;
  log: Log;
};

/** What is lost beyond it between two looks stays with Docker; the control plane keeps only the last lines anyway. */
export const LINES_A_LOOK = 200;
const EVERY_MS = 10_000;
/** With many containers that write the looks become rarer, so that reading logs stays a small part of what the engine does. */
const MS_PER_CONTAINER = 50;
/** Docker's `since` has microseconds. */
const MICROSECOND = 0.001;

/**
 * Sends what the projects' containers wrote to the control plane, every few seconds. A silent container costs nothing.
 * What was written before this worker came is not sent again.
 * @returns ends it
 */
export function startLogKeeper(context: LogKeeperContext): () => void {
  const keeper = new LogKeeper(context);
  let cancel = (): void => {};
  let ended = false;
  const round = async () => {
    const read = await keeper.look();
    const delayMs = Math.max(EVERY_MS, read * MS_PER_CONTAINER);
    if (!ended) cancel = context.clock.after(delayMs, () => void round());
  };
  cancel = context.clock.after(EVERY_MS, () => void round());
  return () => {
    ended = true;
    cancel();
    keeper.close();
  };
}

export class LogKeeper {
  /** Container → the time of its last line that was sent. */
  private readonly sentUntil = new Map<string, number>();
  private readonly startedAt: number;
  private readonly bells: LogBells;
  private readonly known = new Set<string>();
  private readonly watch: EngineWatch;

  constructor(private readonly context: LogKeeperContext) {
    this.startedAt = context.clock.now();
    this.bells = new LogBells(context.engine);
    this.watch = context.engine.watch({
      // Between two looks a container may have come, spoken and ended, and look as before.
      onEvent: ({ type, action, id }) => {
        if (type === "container" && action === "die") this.bells.ring(id);
      },
      onConnected: () => {
        for (const id of this.known) this.bells.ring(id);
      },
      onLost: () => {},
    });
  }

  /**
   * Reads the containers that may have written something; one whose log cannot be read or sent is read again the next
   * time.
   * @returns how many were read
   */
  async look(): Promise<number> {
    const { engine, instanceId, log } = this.context;
    let read = 0;
    try {
      const containers = (await engine.listContainers({ instanceId })).filter(isProjects);
      this.keepOnly(new Set(containers.map(({ id }) => id)));
      for (const container of containers) {
        try {
          if (await this.keep(container)) read += 1;
        } catch (error) {
          this.bells.ring(container.id);
          log("logs-not-kept", { name: container.name, error });
        }
      }
    } catch (error) {
      log("logs-not-kept", { error });
    }
    return read;
  }

  close(): void {
    this.watch.close();
    this.bells.close();
  }

  /** @returns whether its log was read */
  private async keep(container: EngineContainer): Promise<boolean> {
    const { id, state } = container;
    if (!this.known.has(id)) this.bells.ring(id);
    this.known.add(id);
    const rung = this.bells.takeRung(id);
    if (rung) await this.send(container);
    // What was written since it was read rings at once.
    if (state === "running" || state === "paused") await this.bells.hang(id, this.after(id) + MICROSECOND);
    return rung;
  }

  private after(id: string): number {
    return this.sentUntil.get(id) ?? this.startedAt;
  }

  private async send({ id, labels }: EngineContainer): Promise<void> {
    const projectId = labels[LABELS.project];
    const kind = ENVIRONMENT_KINDS.find((kind) => kind === labels[LABELS.environment]);
    if (projectId === undefined || kind === undefined) return;
    const after = this.after(id);
    // Docker gives what was written from a moment on, and so the last line that was sent, too.
    const lines = (await this.context.engine.readLogs(id, after, LINES_A_LOOK)).filter(
      ({ at }) => at > after,
    );
    const last = lines.at(-1);
    if (!last) return;
    const [service, replica] = [labels[LABELS.service] ?? "", Number(labels[LABELS.replica] ?? 1)];
    await this.context.store.appendLogs(
      projectId,
      kind,
      lines.map((line) => ({ ...line, service, replica })),
    );
    this.sentUntil.set(id, last.at);
  }

  private keepOnly(ids: Set<string>): void {
    this.bells.keepOnly(ids);
    for (const id of this.known) if (!ids.has(id)) this.known.delete(id);
    for (const id of this.sentUntil.keys()) if (!ids.has(id)) this.sentUntil.delete(id);
  }
}

/** Stopped ones too: their last words are what somebody will look for. */
function isProjects({ labels }: EngineContainer): boolean {
  return labels[LABELS.project] !== undefined && labels[LABELS.role] === undefined;
}
