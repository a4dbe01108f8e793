import { LABELS } from "../../core/labels.ts";
import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../core/lifecycle.ts";
import type { Clock } from "../clock.ts";
import type { Engine, EngineContainer } from "../engine/engine.ts";
import type { LogLine } from "../engine/logFrames.ts";
import type { Log } from "../log.ts";

/** A line as the control plane keeps it, for those who have no Docker: agents, through the agents' door. */
export type KeptLine = LogLine & { service: string; replica: number };

export interface LogStore {
  /** At most `LINES_A_LOOK` lines at a time. */
  appendLogs(projectId: string, kind: EnvironmentKind, lines: KeptLine[]): Promise<void>;
}

export type LogKeeperContext = {
  engine: Pick<Engine, "listContainers" | "readLogs">;
  store: LogStore;
  instanceId: string;
  clock: Clock;
  log: Log;
};

/** What is lost beyond it between two looks stays with Docker; the control plane keeps only the last lines anyway. */
export const LINES_A_LOOK = 200;
const EVERY_MS = 10_000;
/** With many containers the looks become rarer, so that reading logs stays a small part of what the engine does. */
const MS_PER_CONTAINER = 50;

/**
 * Sends what the projects' running containers wrote to the control plane, every few seconds.
 * What was written before this worker came is not sent again.
 * @returns ends it
 */
export function startLogKeeper(context: LogKeeperContext): () => void {
  const keeper = new LogKeeper(context);
  let cancel = (): void => {};
  let ended = false;
  const round = async () => {
    const containers = await keeper.look();
    const delayMs = Math.max(EVERY_MS, containers * MS_PER_CONTAINER);
    if (!ended) cancel = context.clock.after(delayMs, () => void round());
  };
  cancel = context.clock.after(EVERY_MS, () => void round());
  return () => {
    ended = true;
    cancel();
  };
}

export class LogKeeper {
  /** Container → the time of its last line that was sent. */
  private readonly sentUntil = new Map<string, number>();
  private readonly startedAt: number;

  constructor(private readonly context: LogKeeperContext) {
    this.startedAt = context.clock.now();
  }

  /** One look at every container; one whose log cannot be read or sent is looked at again the next time. */
  async look(): Promise<number> {
    const { engine, instanceId, log } = this.context;
    try {
      const containers = (await engine.listContainers({ instanceId })).filter(isProjects);
      this.forgetAllBut(new Set(containers.map(({ id }) => id)));
      for (const container of containers) {
        await this.send(container).catch((error: unknown) =>
          log("logs-not-kept", { name: container.name, error }),
        );
      }
      return containers.length;
    } catch (error) {
      log("logs-not-kept", { error });
      return 0;
    }
  }

  private async send({ id, labels }: EngineContainer): Promise<void> {
    const projectId = labels[LABELS.project];
    const kind = ENVIRONMENT_KINDS.find((kind) => kind === labels[LABELS.environment]);
    if (projectId === undefined || kind === undefined) return;
    const after = this.sentUntil.get(id) ?? this.startedAt;
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

  private forgetAllBut(ids: Set<string>): void {
    for (const id of this.sentUntil.keys()) if (!ids.has(id)) this.sentUntil.delete(id);
  }
}

/** Stopped ones too: their last words are what somebody will look for. */
function isProjects({ labels }: EngineContainer): boolean {
  return labels[LABELS.project] !== undefined && labels[LABELS.role] === undefined;
}
