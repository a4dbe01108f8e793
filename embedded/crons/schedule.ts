/** What `crons.ts` may ask for, checked: the `schedule` part of `crons.export()`. Everything is in UTC. */
import { createHash } from "node:crypto";
import * as z from "zod";

/** A schedule that no run can be computed for; the text is shown to whoever pushes it. */
export class CronScheduleError extends Error {
  override readonly name = "CronScheduleError";
}

const DAYS_OF_WEEK = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;

const vMinute = z.number().int().min(0).max(59);
const vHour = z.number().int().min(0).max(23);
const vCount = z.number().int().positive();

/** The six kinds of `convex/server`'s `Schedule`. Left out, `minuteUTC` is chosen by the cron's name. */
export const vCronSchedule = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("interval"),
    seconds: vCount.optional(),
    minutes: vCount.optional(),
    hours: vCount.optional(),
  }),
  z.object({ type: z.literal("hourly"), minuteUTC: vMinute.optional() }),
  z.object({ type: z.literal("daily"), hourUTC: vHour, minuteUTC: vMinute.optional() }),
  z.object({
    type: z.literal("weekly"),
    dayOfWeek: z.enum(DAYS_OF_WEEK),
    hourUTC: vHour,
    minuteUTC: vMinute.optional(),
  }),
  z.object({
    type: z.literal("monthly"),
    day: z.number().int().min(1).max(31),
    hourUTC: vHour,
    minuteUTC: vMinute.optional(),
  }),
  z.object({ type: z.literal("cron"), cron: z.string() }),
]);
export type CronSchedule = z.infer<typeof vCronSchedule>;

/** A schedule in the form runs are computed from: a distance in time, or a five-field cron expression. */
export type CronRule =
  | { readonly kind: "interval"; readonly everyMs: number }
  | { readonly kind: "expression"; readonly expression: string };

const SECOND_MS = 1_000;

/** The minute of a cron that names none: spread over the hour by its name, the same at every start. */
function minuteFor(name: string, minute: number | undefined): number {
  return minute ?? createHash("sha256").update(name).digest().readUInt32BE(0) % 60;
}

function toInterval(name: string, schedule: Extract<CronSchedule, { type: "interval" }>): CronRule {
  const { seconds, minutes, hours } = schedule;
  const given = [seconds, minutes, hours].filter((part) => part !== undefined);
  if (given.length !== 1) {
    throw new CronScheduleError(
      `Cron "${name}": exactly one of (seconds, minutes, hours) should be specified.`,
    );
  }
  const total = (seconds ?? 0) + (minutes ?? 0) * 60 + (hours ?? 0) * 3_600;
  return { kind: "interval", everyMs: total * SECOND_MS };
}

/**
 * The rule of the cron called `name`.
 * @param json the `schedule` that `crons.export()` gives.
 * @throws CronScheduleError when it is of no known kind or out of range; a cron expression is checked by `nextRun`.
 */
export function parseSchedule(name: string, json: unknown): CronRule {
  const parsed = vCronSchedule.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where =
      issue === undefined ? "" : ` at \`${issue.path.join(".") || "schedule"}\`: ${issue.message}`;
    throw new CronScheduleError(`Cron "${name}" has an invalid schedule${where}.`);
  }
  const schedule = parsed.data;
  if (schedule.type === "interval") return toInterval(name, schedule);
  if (schedule.type === "cron") return { kind: "expression", expression: schedule.cron };
  const minute = minuteFor(name, schedule.minuteUTC);
  switch (schedule.type) {
    case "hourly":
      return { kind: "expression", expression: `${minute} * * * *` };
    case "daily":
      return { kind: "expression", expression: `${minute} ${schedule.hourUTC} * * *` };
    case "weekly": {
      const day = DAYS_OF_WEEK.indexOf(schedule.dayOfWeek);
      return { kind: "expression", expression: `${minute} ${schedule.hourUTC} * * ${day}` };
    }
    case "monthly":
      return { kind: "expression", expression: `${minute} ${schedule.hourUTC} ${schedule.day} * *` };
  }
}
