/** What the gateway is to reach, beside what it did: a line each, for the end of a run. Nothing fails because of one. */

export type Measured = {
  /** The gateway's requests a second over those of nginx by hand, median of the rounds. */
  throughputRatio: number;
  /** With ever more projects. */
  switches: { projects: number; p95Ms: number; memoryMiB: number }[];
  changesPerSecond: number;
  /** Requests of others that failed, while routes changed and while clients were slow. */
  failed: number;
};

const THROUGHPUT_RATIO = 0.9;
const P95_MS = 20;
/** What does not grow with the projects is noise: up to so many times as much with the most as with the fewest. */
const FLAT = 2;
const CHANGES_PER_SECOND = 1_000;

export function goalLines({
  throughputRatio,
  switches,
  changesPerSecond,
  failed,
}: Partial<Measured>): string[] {
  const lines: string[] = [];
  const goal = (isReached: boolean, what: string) =>
    lines.push(`goal ${isReached ? "reached" : "MISSED "}: ${what}`);
  if (throughputRatio !== undefined) {
    const seen = throughputRatio.toFixed(2);
    goal(
      throughputRatio >= THROUGHPUT_RATIO,
      `throughput ${seen} of nginx by hand, at least ${THROUGHPUT_RATIO}`,
    );
  }
  const [fewest, most] = [switches?.[0], switches?.at(-1)];
  if (switches && fewest && most) {
    const worst = Math.max(...switches.map(({ p95Ms }) => p95Ms));
    goal(worst <= P95_MS, `a new route proven live after ${worst.toFixed(1)} ms (p95), at most ${P95_MS} ms`);
    const flat = (name: string, of: (one: Measured["switches"][number]) => number) => {
      const growth = of(most) / of(fewest);
      const counts = `with ${most.projects} projects ${growth.toFixed(2)} times that with ${fewest.projects}`;
      goal(growth <= FLAT, `${name} ${counts}, flat up to ${FLAT}`);
    };
    flat("that time", ({ p95Ms }) => p95Ms);
    flat("memory", ({ memoryMiB }) => memoryMiB);
  }
  if (changesPerSecond !== undefined) {
    const seen = Math.round(changesPerSecond);
    goal(
      changesPerSecond >= CHANGES_PER_SECOND,
      `${seen} route changes a second, at least ${CHANGES_PER_SECOND}`,
    );
  }
  if (failed !== undefined) {
    goal(failed === 0, `${failed} requests of others failed while routes changed and clients were slow, 0`);
  }
  return lines;
}
