import type { Clock } from "../clock.ts";

/** Long enough that a hundred projects cost little, short enough to find what was written lately. */
export const FIRST_DELAY_MS = 60_000;
/** What changes files without Slipway's doing is found after so long at the latest. */
export const LONGEST_DELAY_MS = 15 * 60_000;

/** A look at one project's source. */
export type Look = { container: string; delayMs: number; dueAt: number };

/**
 * When each project's source is due to be read: again soon after it changed, or somebody may have changed it through
 * Slipway, or it got another container; ever more rarely while it stays the same.
 */
export class Pace {
  private readonly looks = new Map<string, Look>();

  constructor(private readonly clock: Pick<Clock, "elapsed">) {}

  /** @returns the look to {@link end}; null: it is not due */
  begin(projectId: string, container: string): Look | null {
    const before = this.looks.get(projectId);
    const isKnown = before?.container === container;
    if (isKnown && before.dueAt > this.clock.elapsed()) return null;
    // Due as long as it does not end well.
    const look = { container, delayMs: isKnown ? before.delayMs : 0, dueAt: -Infinity };
    this.looks.set(projectId, look);
    return look;
  }

  /** Where the project was {@link touch}ed meanwhile, this says nothing of what it holds now. */
  end(projectId: string, look: Look, changed: boolean): void {
    if (this.looks.get(projectId) !== look) return;
    look.delayMs = changed ? FIRST_DELAY_MS : later(look.delayMs);
    look.dueAt = this.clock.elapsed() + look.delayMs;
  }

  /** Its files may be others by now: the next round reads them. */
  touch(projectId: string): void {
    this.looks.delete(projectId);
  }

  keepOnly(projects: { has(projectId: string): boolean }): void {
    for (const projectId of this.looks.keys()) if (!projects.has(projectId)) this.looks.delete(projectId);
  }
}

function later(delayMs: number): number {
  return Math.min(Math.max(delayMs * 2, FIRST_DELAY_MS), LONGEST_DELAY_MS);
}
