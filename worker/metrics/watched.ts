/** Which projects somebody looks at just now, as the control plane says: of those there are fine points. */
export class Watched {
  private until = new Map<string, number>();

  /** @param rows all there are; `until` is in ms since 1970 */
  replace(rows: readonly { projectId: string; until: number }[]): void {
    this.until = new Map(rows.map(({ projectId, until }) => [projectId, until]));
  }

  has(projectId: string, now: number): boolean {
    return now < (this.until.get(projectId) ?? -Infinity);
  }
}
