const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const FORCED = 130;
/** npm passes Ctrl-C on to a child that got it from the terminal already: two so near are one. */
const SAME_PRESS_MS = 500;

/** The wish of somebody outside that this process ends: the first signal asks, the second forces. */
export class StopRequest {
  private request: (signal: string) => void = () => {};
  readonly asked = new Promise<string>((resolve) => (this.request = resolve));
  private askedAt: number | null = null;

  /** @param force called at the second signal, before the process ends at once with exit code 130 */
  constructor(force: () => void) {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        if (this.askedAt === null) {
          this.askedAt = Date.now();
          this.request(signal);
        } else if (Date.now() - this.askedAt > SAME_PRESS_MS) {
          force();
          process.exit(FORCED);
        }
      });
    }
  }

  get isAsked(): boolean {
    return this.askedAt !== null;
  }
}
