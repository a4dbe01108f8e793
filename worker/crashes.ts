import type { EngineEvent } from "./engine/engine.ts";

/** So many ends by itself within so many ms are a crash loop, and it is left in peace for so many ms. */
const LIMIT = 5;
const WINDOW_MS = 120_000;
const HOLD_MS = 300_000;
/** A `die` this soon after a `kill` is somebody's will, not a crash. */
const KILLED_MS = 30_000;

type Deaths = { at: number[]; exitCode: number | null; heldUntil: number };

/** Counts how often containers end by themselves, from Docker's events, by container name. */
export class Crashes {
  private readonly deaths = new Map<string, Deaths>();
  private readonly killedAt = new Map<string, number>();

  /** @param now ms since some moment, here and below, whatever becomes of the date: a hold must not outlast its time */
  note({ type, action, id, name, exitCode }: EngineEvent, now: number): void {
    if (type !== "container") return;
    if (action === "kill") this.killedAt.set(id, now);
    if (action === "destroy") {
      this.killedAt.delete(id);
      this.deaths.delete(name);
    }
    if (action !== "die") return;
    const killed = now - (this.killedAt.get(id) ?? -Infinity) < KILLED_MS;
    this.killedAt.delete(id);
    if (killed) return;
    const known = this.deaths.get(name) ?? { at: [], exitCode: null, heldUntil: 0 };
    known.at = [...known.at.filter((at) => now - at < WINDOW_MS), now];
    known.exitCode = exitCode;
    if (known.at.length >= LIMIT) {
      known.heldUntil = now + HOLD_MS;
      known.at = [];
    }
    this.deaths.set(name, known);
  }

  /** The containers that must not run now, by name, and why; of one project where `prefix` is its namespace. */
  held(prefix: string, now: number): Map<string, string> {
    const held = new Map<string, string>();
    for (const [name, { heldUntil, exitCode }] of this.deaths) {
      if (heldUntil <= now || !name.startsWith(`${prefix}-`)) continue;
      const code = exitCode === null ? "" : `, the last time with exit code ${exitCode}`;
      held.set(name, `it ended by itself ${LIMIT} times within ${WINDOW_MS / 60_000} minutes${code}`);
    }
    return held;
  }

  /** When the first of the held ones may run again; null where none is held. */
  nextRelease(prefix: string, now: number): number | null {
    const times = [...this.deaths]
      .filter(([name, { heldUntil }]) => heldUntil > now && name.startsWith(`${prefix}-`))
      .map(([, { heldUntil }]) => heldUntil);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Something new is wanted of a project: what went wrong before says nothing of it. */
  forgive(prefix: string): void {
    for (const name of this.deaths.keys()) {
      if (name.startsWith(`${prefix}-`)) this.deaths.delete(name);
    }
  }
}
