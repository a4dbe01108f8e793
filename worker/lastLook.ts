import type { Clock } from "./clock.ts";
import type { Snapshot } from "./snapshot.ts";

/** Events may be lost, and then nothing says that a part is too old; the next look at everything does. */
const GOOD_FOR_MS = 15_000;

/**
 * The last look at everything, taken apart by namespace, for the turns that follow from it: a worker that starts beside
 * 500 projects looks once, not 500 times. A part is given once, and not after anything was heard or done of its
 * namespace since the look began.
 */
export class LastLook {
  private parts: ReadonlyMap<string, Snapshot> | null = null;
  private readonly past = new Set<string>();
  private beganAt = -Infinity;

  constructor(private readonly clock: Pick<Clock, "elapsed">) {}

  /** Before Docker is asked. */
  begin(): void {
    this.forget();
    this.beganAt = this.clock.elapsed();
  }

  /** What Docker answered; nothing where it was forgotten meanwhile. */
  keep(parts: ReadonlyMap<string, Snapshot>): void {
    if (this.beganAt !== -Infinity) this.parts = parts;
  }

  /** Undefined: it has to be looked at anew. */
  take(namespace: string): Snapshot | undefined {
    const isOld = this.clock.elapsed() - this.beganAt > GOOD_FOR_MS;
    if (!this.parts || isOld || this.past.has(namespace)) return undefined;
    this.past.add(namespace);
    return this.parts.get(namespace) ?? { containers: [], networks: [], volumes: [] };
  }

  /** Something happened to it. */
  pass(namespace: string): void {
    this.past.add(namespace);
  }

  /** Nothing is known of what happens any more. */
  forget(): void {
    this.parts = null;
    this.past.clear();
    this.beganAt = -Infinity;
  }
}
