import { isStatus, type Status } from "../../../../core/lifecycle.ts";

/** A move that a project made. */
export type Step = {
  from: Status;
  to: Status;
  /** ms since 1970. */
  at: number;
  by: string;
  reason: string | null;
  /** Whether an admin made it against what guards it. */
  isOverride: boolean;
};

type EventLike = {
  type: string;
  from: string | null;
  to: string | null;
  at: number;
  actor: { role: string; subject: string };
  reason: string | null;
  override: boolean;
};

/**
 * How a project came where it is: its moves, oldest first.
 * @param events its audit log or the newest part of it, newest first
 */
export function pathOf(events: readonly EventLike[]): Step[] {
  return events
    .filter(({ type }) => type === "project.transition")
    .flatMap(({ from, to, at, actor, reason, override }) =>
      from !== null && to !== null && isStatus(from) && isStatus(to)
        ? [{ from, to, at, by: nameOf(actor), reason, isOverride: override }]
        : [],
    )
    .reverse();
}

function nameOf({ role, subject }: EventLike["actor"]): string {
  return role === subject || role === "system" ? subject : `${subject} (${role})`;
}
