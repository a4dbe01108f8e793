import { LABELS } from "../../core/labels.ts";
import type { Clock } from "../clock.ts";
import type { Engine, EngineEvent, EngineWatch } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import { subjectOf, type Subject } from "./subject.ts";

/** A container that runs, or is paused. */
export type Running = {
  id: string;
  subject: Subject;
  /** When its start was heard, in ms of `Clock.elapsed`; null where it ran before anybody listened. */
  startedAt: number | null;
};

export type RunningContext = {
  engine: Pick<Engine, "listContainers" | "watch">;
  instanceId: string;
  clock: Clock;
  log: Log;
};

const LIST_AGAIN_MS = 5_000;

/**
 * The projects' containers that run, kept by Docker's events: they are listed once for each connection to the engine, and
 * never again to look at them.
 */
export class RunningContainers {
  private readonly containers = new Map<string, Running>();
  private readonly watch: EngineWatch;
  /** What events said of containers while a list was on its way: it may be older than they are. */
  private heard: Map<string, Running | null> | null = null;
  private cancel = (): void => {};
  private closed = false;

  constructor(private readonly context: RunningContext) {
    this.watch = context.engine.watch({
      onEvent: (event) => this.onEvent(event),
      onConnected: () => void this.list(),
      onLost: () => {},
    });
  }

  all(): Running[] {
    return [...this.containers.values()];
  }

  has(id: string): boolean {
    return this.containers.has(id);
  }

  close(): void {
    this.closed = true;
    this.cancel();
    this.watch.close();
  }

  private onEvent({ type, action, id, labels }: EngineEvent): void {
    if (type !== "container" || labels[LABELS.instance] !== this.context.instanceId) return;
    if (action !== "start" && action !== "die" && action !== "destroy") return;
    const subject = subjectOf(labels);
    if (!subject) return;
    const running = action === "start" ? { id, subject, startedAt: this.context.clock.elapsed() } : null;
    this.heard?.set(id, running);
    if (running) this.containers.set(id, running);
    else this.containers.delete(id);
  }

  private async list(): Promise<void> {
    const { engine, instanceId, clock, log } = this.context;
    this.cancel();
    const heard = new Map<string, Running | null>();
    this.heard = heard;
    try {
      const found = await engine.listContainers({ instanceId });
      // Another list has begun since, which knows more.
      if (this.heard !== heard) return;
      const before = new Map(this.containers);
      this.containers.clear();
      for (const { id, labels, state } of found) {
        const subject = subjectOf(labels);
        if (!subject || (state !== "running" && state !== "paused")) continue;
        this.containers.set(id, before.get(id) ?? { id, subject, startedAt: null });
      }
      for (const [id, running] of heard) {
        if (running) this.containers.set(id, running);
        else this.containers.delete(id);
      }
      this.heard = null;
    } catch (error) {
      log("metrics-list-failed", { error });
      if (!this.closed) this.cancel = clock.after(LIST_AGAIN_MS, () => void this.list());
    }
  }
}
