/** When a cron runs next. Pure: the clock comes in as a value, and all calendar fields are UTC. */
import { CronExpressionParser } from "cron-parser";
import { CronScheduleError, type CronRule } from "./schedule.ts";

const FIELDS = 5;
const ALLOWED = /^[\d*/,\-?LA-Za-z#\s]+$/;

function expressionOf(expression: string): string {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== FIELDS || !ALLOWED.test(expression)) {
    throw new CronScheduleError(
      `"${expression}" is not a cron expression: five fields are needed ` +
        "(minute hour day-of-month month day-of-week), as in `15 7 * * *`.",
    );
  }
  // cron-parser knows two things that Convex does not: 7 for Sunday, and H for a hashed value.
  const [minute, hour, , , weekday] = fields as [string, string, string, string, string];
  const isHashed = fields.some((field) => /(^|[^A-Z])H([^A-Z]|$)/i.test(field));
  if (isHashed || /[a-z#]/i.test(minute + hour) || /(^|[,\-])7/.test(weekday)) {
    throw new CronScheduleError(
      `"${expression}" is not a cron expression that Convex accepts: days of the week are 0 (Sunday) to 6.`,
    );
  }
  return fields.join(" ");
}

function afterInstant(expression: string, afterMs: number): number {
  const checked = expressionOf(expression);
  try {
    return CronExpressionParser.parse(checked, { currentDate: afterMs, tz: "UTC" }).next().getTime();
  } catch (error) {
    throw new CronScheduleError(`"${expression}" has no next run: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/**
 * The first run of a cron that has just been deployed. An interval starts at once, as Convex's does.
 * @param nowMs Unix milliseconds. @throws CronScheduleError when the rule can never run.
 */
export function firstRun(rule: CronRule, nowMs: number): number {
  return rule.kind === "interval" ? nowMs : afterInstant(rule.expression, nowMs);
}

/**
 * The run after the one that was due at `previousMs`. Runs that were missed (the server was away) are skipped: the
 * result is after `nowMs`, and an interval keeps its phase.
 * @throws CronScheduleError when the rule can never run.
 */
export function nextRun(rule: CronRule, previousMs: number, nowMs: number): number {
  if (rule.kind === "expression") return afterInstant(rule.expression, Math.max(previousMs, nowMs));
  const missed = Math.max(0, Math.floor((nowMs - previousMs) / rule.everyMs));
  return previousMs + (missed + 1) * rule.everyMs;
}

/** Checks that a rule has a run at all; for use at push time. @throws CronScheduleError when it has none. */
export function assertRunnable(rule: CronRule, nowMs: number): void {
  firstRun(rule, nowMs);
}
