/** What happened in a run, in its order: only kept where somebody wants to read it. */
export class Story {
  readonly lines: string[] = [];

  constructor(
    private readonly isKept: boolean,
    private readonly now: () => number,
  ) {}

  /** @param what built only where it is kept */
  tell(who: string, what: () => string): void {
    if (!this.isKept) return;
    this.lines.push(`${stamp(this.now())}  ${who.padEnd(13)} ${what()}`);
  }
}

/** `  2:03.450` */
export function stamp(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1000;
  return `${String(minutes).padStart(3)}:${seconds.toFixed(3).padStart(6, "0")}`;
}
