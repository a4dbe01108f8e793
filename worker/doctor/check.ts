/** What a check found: `warning` is no failure yet. */
export type Finding =
  | { state: "ok"; detail: string }
  | { state: "warning" | "failed"; detail: string; fix: string }
  /** Cannot be known while something else, that has a check of its own, is wrong. */
  | { state: "skipped"; detail: string };

export type Check = { title: string; run: () => Promise<Finding> };
export type Diagnosis = { title: string } & Finding;

export const ok = (detail: string): Finding => ({ state: "ok", detail });
export const warning = (detail: string, fix: string): Finding => ({ state: "warning", detail, fix });
export const failed = (detail: string, fix: string): Finding => ({ state: "failed", detail, fix });
export const skipped = (detail: string): Finding => ({ state: "skipped", detail });

/** What most fixes begin with, and what most checks cannot do without. */
export const START = "Start Slipway: npm start";
export const NO_ENGINE = "the engine does not answer";

const DEADLINE_MS = 20_000;

/** Runs all checks at once; one that throws, or takes too long, has failed. */
export async function diagnose(checks: Check[]): Promise<Diagnosis[]> {
  return await Promise.all(
    checks.map(async ({ title, run }) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<Finding>((resolve) => {
        const fix = "Try again; where it stays so, the machine or that part is overloaded.";
        timer = setTimeout(
          () => resolve(failed(`no answer within ${DEADLINE_MS / 1000} s`, fix)),
          DEADLINE_MS,
        );
      });
      const found = run().catch((error: unknown) => {
        const detail = error instanceof Error ? error.message : String(error);
        return failed(detail, "Run it again with SLIPWAY_DEBUG=1, and see the logs in the data directory.");
      });
      const finding = await Promise.race([found, late]);
      clearTimeout(timer);
      return { title, ...finding };
    }),
  );
}
