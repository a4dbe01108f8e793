import { STATUSES, type Status } from "../../../core/lifecycle.ts";
import type { Summary } from "../board/Card.tsx";

/** Which rows of the table are shown, in which order. */

export const COLUMNS = ["name", "status", "stack", "host", "created", "changed"] as const;
export type ColumnName = (typeof COLUMNS)[number];
export type Order = { by: ColumnName; isDescending: boolean };
export type Wanted = { words: string; statuses: readonly Status[]; order: Order };

/** The projects that hold each of the words, in one of the statuses (none: in any), sorted. */
export function arrange(projects: readonly Summary[], { words, statuses, order }: Wanted): Summary[] {
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = projects.filter(
    (project) =>
      (statuses.length === 0 || statuses.includes(project.status)) &&
      parts.every((part) => textOf(project).includes(part)),
  );
  const sign = order.isDescending ? -1 : 1;
  return shown.sort(
    (one, other) =>
      sign * compare(keyOf(one, order.by), keyOf(other, order.by)) || compare(one.slug, other.slug),
  );
}

function textOf({ name, slug, stack, namespace }: Summary): string {
  return `${name} ${slug} ${stack ?? ""} ${namespace}`.toLowerCase();
}

function keyOf(project: Summary, by: ColumnName): string | number {
  switch (by) {
    case "name":
      return project.name.toLowerCase();
    case "status":
      return STATUSES.indexOf(project.status);
    case "stack":
      return project.stack ?? "";
    case "host":
      return project.host ?? "";
    case "created":
      return project.createdAt;
    case "changed":
      return project.statusChangedAt;
  }
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
