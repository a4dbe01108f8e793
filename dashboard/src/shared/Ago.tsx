import { Tooltip } from "@mantine/core";
import { useNow } from "./useNow.ts";

const SECOND = 1000;
const STEPS: [limitMs: number, unitMs: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60 * SECOND, SECOND, "second"],
  [3600 * SECOND, 60 * SECOND, "minute"],
  [86_400 * SECOND, 3600 * SECOND, "hour"],
  [Infinity, 86_400 * SECOND, "day"],
];
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** `3 minutes ago`, `in 2 hours`: `at` as seen at `now`, both ms since 1970. */
export function ago(at: number, now: number): string {
  const ms = at - now;
  const [, unitMs, unit] = STEPS.find(([limitMs]) => Math.abs(ms) < limitMs)!;
  return WORDS.format(Math.trunc(ms / unitMs), unit);
}

/** How long ago, with the exact time in reach. `at` in ms since 1970. */
export function Ago({ at }: { at: number }) {
  const now = useNow();
  const exact = new Date(at);
  return (
    <Tooltip label={exact.toLocaleString()}>
      <time dateTime={exact.toISOString()} style={{ whiteSpace: "nowrap" }}>
        {ago(at, Math.max(now, at > now && at - now < 30 * SECOND ? at : now))}
      </time>
    </Tooltip>
  );
}
