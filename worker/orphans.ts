import type { Snapshot } from "./snapshot.ts";

/**
 * Decides which namespaces nobody owns any more. One look is never enough: a project may have been made between the
 * two lists that are compared.
 */
export class Orphans {
  private readonly firstSeen = new Map<string, number>();
  private readonly graceMs: number;

  /** @param graceMs an orphan is removed only this long after it was first seen, and only at a later look */
  constructor(graceMs: number) {
    this.graceMs = graceMs;
  }

  /**
   * @param found what Docker has of this instance, by namespace
   * @param owned namespaces of all projects of this host, read completely and after `found`
   * @param now ms that have passed since some moment, whatever becomes of the date
   * @returns what is to be removed now
   */
  look(found: ReadonlyMap<string, Snapshot>, owned: ReadonlySet<string>, now: number): string[] {
    for (const namespace of this.firstSeen.keys()) {
      if (!found.has(namespace) || owned.has(namespace)) this.firstSeen.delete(namespace);
    }
    const due: string[] = [];
    for (const namespace of found.keys()) {
      if (owned.has(namespace)) continue;
      const since = this.firstSeen.get(namespace);
      if (since === undefined) this.firstSeen.set(namespace, now);
      else if (now - since >= this.graceMs) due.push(namespace);
    }
    return due;
  }
}
