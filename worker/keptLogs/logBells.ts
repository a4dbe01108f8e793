import type { Readable } from "node:stream";

/** Opens what a container writes from a moment (ms since 1970) on; it ends when the container does. */
export interface LogFollower {
  followLogs(container: string, sinceMs: number): Promise<Readable>;
}

/**
 * Says which containers may have written something, so that the silent ones cost no call. A bell is an open log of
 * which only the first byte counts: it rings, and the log is closed. Whoever reads the log afterwards hangs up a new
 * bell for what comes after its last line; so a container that writes much is never read twice, and nothing waits here.
 */
export class LogBells {
  private readonly hung = new Map<string, Readable>();
  private readonly rung = new Set<string>();
  private closed = false;

  constructor(private readonly engine: LogFollower) {}

  /** Whether the container's bell has rung; asking takes it back. */
  takeRung(id: string): boolean {
    return this.rung.delete(id);
  }

  ring(id: string): void {
    this.rung.add(id);
  }

  /** Rings once the container writes something at `sinceMs` or later, or ends; one bell a container. */
  async hang(id: string, sinceMs: number): Promise<void> {
    if (this.hung.has(id)) return;
    const log = await this.engine.followLogs(id, sinceMs);
    const heard = () => {
      if (this.hung.get(id) === log) {
        this.hung.delete(id);
        this.rung.add(id);
      }
      log.destroy();
    };
    // What goes wrong once it is taken down concerns nobody.
    log.on("error", heard);
    if (this.closed) return void log.destroy();
    this.hung.set(id, log);
    for (const event of ["data", "end", "close"]) log.once(event, heard);
  }

  /** Takes down the bells of all other containers. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.rung) if (!ids.has(id)) this.rung.delete(id);
    for (const [id, log] of this.hung) {
      if (ids.has(id)) continue;
      this.hung.delete(id);
      log.destroy();
    }
  }

  close(): void {
    this.closed = true;
    this.keepOnly(new Set());
  }
}
