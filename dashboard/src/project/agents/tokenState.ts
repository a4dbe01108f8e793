/** Whether a token is good, and for how long. Times in ms since 1970. */

export type TokenTimes = { expiresAt: number; revokedAt: number | null };
export type TokenState = "good" | "over" | "revoked";

export function tokenState({ expiresAt, revokedAt }: TokenTimes, nowMs: number): TokenState {
  if (revokedAt !== null) return "revoked";
  return expiresAt <= nowMs ? "over" : "good";
}

const HOUR_MS = 3_600_000;
/** How long a new token may be good for. */
export const LIFETIMES = [
  { value: String(HOUR_MS), label: "an hour" },
  { value: String(8 * HOUR_MS), label: "8 hours" },
  { value: String(24 * HOUR_MS), label: "a day" },
  { value: String(7 * 24 * HOUR_MS), label: "a week" },
  { value: String(30 * 24 * HOUR_MS), label: "30 days" },
  { value: String(365 * 24 * HOUR_MS), label: "a year" },
] as const;
