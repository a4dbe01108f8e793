/** Ctrl-C or SIGTERM ends what waits for something, so that what was made is removed as it is after an error. */
const controller = new AbortController();

/** Aborted once somebody asked for the end. */
export const interruption = controller.signal;

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => controller.abort(new Error(`Ended by ${signal}.`)));
}
