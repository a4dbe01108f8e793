import type { Status } from "../../../core/lifecycle.ts";
import type { Movable } from "../shared/useMove.tsx";

/** A card in the hand, and where it may be put down. */
export type Dragged = { project: Movable; moves: Status[] };

/** What a card carries while it is dragged, as the drag-and-drop library hands it on. */
export function carried(data: Record<string | symbol, unknown>): Dragged | null {
  return data.kind === "project" ? (data.dragged as Dragged) : null;
}
