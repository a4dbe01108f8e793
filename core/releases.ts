import { lastLines } from "./text.ts";

/** A release: an immutable snapshot of a project's workspace with the result of its tests (docs/releases.md). */

export const RELEASE_STATES = ["building", "testing", "passed", "failed", "untested"] as const;
/**
 * `building`: its snapshot is not taken yet; `testing`: its tests run; `passed` and `failed`: they have ended, or never
 * will; `untested`: deployed without tests, by an admin's override.
 */
export type ReleaseState = (typeof RELEASE_STATES)[number];

/** How much of what tests wrote is kept: the last bytes, as UTF-8. */
export const MAX_TEST_OUTPUT_BYTES = 64 * 1024;
/** How many releases of a project stay known. */
export const KEPT_RELEASES = 50;
/** How many snapshots of a project stay on its host, beside those that are in use. */
export const KEPT_SNAPSHOTS = 5;

/** SHA-256 in hex. */
export const SNAPSHOT_HASH = /^[0-9a-f]{64}$/;

export type ServiceTestResult = { service: string; replica: number; exitCode: number; durationMs: number };

export type TestResult = {
  /** 0 when every test service ended with 0, else that of the first one that did not. */
  exitCode: number;
  /** Whether they were stopped at their time limit. */
  timedOut: boolean;
  /** From the first start to the last end. */
  durationMs: number;
  /** The last `MAX_TEST_OUTPUT_BYTES` of what they wrote. */
  output: string;
  /** One for each container; none where the project has no tests. */
  services: ServiceTestResult[];
};

/** What of a result decides what is to be done, and fits into a sentence. */
export type TestVerdict = Omit<TestResult, "output">;

export function hasPassed({ exitCode, timedOut }: Pick<TestResult, "exitCode" | "timedOut">): boolean {
  return exitCode === 0 && !timedOut;
}

/** `tests passed in 3.2 s`; of failed ones which service ended how, and what it wrote last. */
export function describeResult(result: TestVerdict & { output?: string }): string {
  const { services, timedOut, durationMs } = result;
  if (services.length === 0) return "there are no tests; the test environment is healthy";
  if (hasPassed(result)) return `tests passed in ${seconds(durationMs)}`;
  if (timedOut) {
    return `tests were stopped at their time limit, after ${seconds(durationMs)}.${lastLines(result.output)}`;
  }
  const failed = services.filter(({ exitCode }) => exitCode !== 0);
  const ends = failed.map(({ service, exitCode }) => `${service} ended with ${exitCode}`);
  return `tests failed: ${ends.join(", ")}.${lastLines(result.output)}`;
}

/** The end of `text` that fits into `bytes` as UTF-8, from the start of a character. */
export function tailOfBytes(text: string, bytes: number): string {
  const encoded = new TextEncoder().encode(text);
  if (encoded.length <= bytes) return text;
  let start = encoded.length - bytes;
  while (start < encoded.length && (encoded[start]! & 0xc0) === 0x80) start += 1;
  return new TextDecoder().decode(encoded.subarray(start));
}

function seconds(milliseconds: number): string {
  if (milliseconds < 100_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${Math.floor(milliseconds / 60_000)} min ${Math.round((milliseconds % 60_000) / 1000)} s`;
}
