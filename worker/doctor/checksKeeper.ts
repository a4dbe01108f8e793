import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { diagnose, type Check } from "./check.ts";

/** As the control plane keeps it. */
export type Checks = {
  /** When they were made, ms since 1970. */
  at: number;
  findings: {
    title: string;
    state: "ok" | "warning" | "failed" | "skipped";
    detail: string;
    /** What to do about it. */
    fix: string | null;
  }[];
};

export type ChecksContext = {
  /** @param thorough with real attempts, rather than what earlier ones showed */
  checks: (thorough: boolean) => Check[];
  onFound: (checks: Checks) => void;
  clock: Clock;
  log: Log;
};

const EVERY_MS = 600_000;

/** Makes the host's checks now and then, and whenever somebody asks. */
export class ChecksKeeper {
  private going: { thorough: boolean; found: Promise<Checks> } | null = null;
  private cancel = (): void => {};
  private ended = false;

  constructor(private readonly context: ChecksContext) {}

  /** Makes them now, and again every ten minutes. */
  start(): void {
    const { clock, log } = this.context;
    const round = async () => {
      try {
        await this.run(false);
      } catch (error) {
        log("checks-failed", { error });
      }
      if (!this.ended) this.cancel = clock.after(EVERY_MS, () => void round());
    };
    void round();
  }

  stop(): void {
    this.ended = true;
    this.cancel();
  }

  /** Makes them now. Whoever asks while others wait for the same shares their answer. */
  async run(thorough: boolean): Promise<Checks> {
    for (let going = this.going; going; going = this.going) {
      if (going.thorough || !thorough) return await going.found;
      await going.found.catch(() => undefined);
    }
    const found = this.make(thorough);
    const mine = { thorough, found };
    this.going = mine;
    try {
      return await found;
    } finally {
      if (this.going === mine) this.going = null;
    }
  }

  private async make(thorough: boolean): Promise<Checks> {
    const { clock, checks, onFound } = this.context;
    const diagnoses = await diagnose(checks(thorough));
    const findings = diagnoses.map((diagnosis) => ({
      title: diagnosis.title,
      state: diagnosis.state,
      detail: diagnosis.detail,
      fix: "fix" in diagnosis ? diagnosis.fix : null,
    }));
    const made = { at: clock.now(), findings };
    onFound(made);
    return made;
  }
}
