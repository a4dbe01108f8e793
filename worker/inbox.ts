import type { EnvironmentKind } from "../core/lifecycle.ts";
import type { InboxRow } from "./controlPlane.ts";

/** The control plane's inbox as last heard: the environments that it waits to hear of. */
export class Inbox {
  private rows = new Map<string, Map<EnvironmentKind, number>>();

  /** @returns projects of which something else is wanted than when the inbox was last heard */
  replace(rows: readonly InboxRow[]): string[] {
    const before = this.rows;
    this.rows = new Map();
    for (const { projectId, kind, generation } of rows) {
      const kinds = this.rows.get(projectId) ?? new Map<EnvironmentKind, number>();
      this.rows.set(projectId, kinds.set(kind, generation));
    }
    return [...this.rows]
      .filter(([projectId, kinds]) => {
        const known = before.get(projectId);
        return [...kinds].some(([kind, generation]) => known?.get(kind) !== generation);
      })
      .map(([projectId]) => projectId);
  }

  awaited(projectId: string): Set<EnvironmentKind> {
    return new Set(this.rows.get(projectId)?.keys());
  }
}
