/** Cron jobs as `crons.ts` declares them. When each is due is computed in `crons/`. */
import type { JSONValue } from "convex/values";
import * as z from "zod";
import { assertRunnable } from "../crons/nextRun.ts";
import { CronScheduleError, parseSchedule, type CronRule } from "../crons/schedule.ts";
import { PushError } from "./schema.ts";

const vJson = z.custom<JSONValue>((value) => value !== undefined);
const vCron = z.object({ name: z.string(), args: z.tuple([vJson]), schedule: vJson });
const vSpec = z.object({ name: z.string(), path: z.string(), args: vJson, schedule: vJson });

/** `path` is the function's path as written in `crons.ts`. */
export type CronSpec = z.infer<typeof vSpec>;

/** Reads what `export default cronJobs()` exports. @throws PushError for an unknown or impossible schedule. */
export function parseCrons(exported: string, nowMs: number): CronSpec[] {
  const parsed = z.record(z.string(), vCron).safeParse(JSON.parse(exported));
  if (!parsed.success) throw new PushError(`crons.ts: ${z.prettifyError(parsed.error)}`);
  return Object.entries(parsed.data).map(([name, { name: path, args, schedule }]) => {
    const spec = { name, path, args: args[0], schedule };
    try {
      assertRunnable(ruleOf(spec), nowMs);
    } catch (error) {
      if (!(error instanceof CronScheduleError)) throw error;
      throw new PushError(error.message, { cause: error });
    }
    return spec;
  });
}

/** Reads a spec that was kept in the database as JSON. */
export const parseSpec = (json: string): CronSpec => vSpec.parse(JSON.parse(json));

/** The rule that a cron's runs follow. */
export const ruleOf = ({ name, schedule }: Pick<CronSpec, "name" | "schedule">): CronRule =>
  parseSchedule(name, schedule);
