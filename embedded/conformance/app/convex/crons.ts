/** One job that runs all the time and some that only have to be accepted. */
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();
crons.interval("tick", { seconds: 1 }, internal.ticking.tick, { by: 2 });
crons.cron("at night", "17 3 * * *", internal.ticking.tick, {});
crons.hourly("each hour", { minuteUTC: 23 }, internal.ticking.tick, {});
crons.daily("each day", { hourUTC: 4, minuteUTC: 5 }, internal.ticking.tick, {});
crons.weekly("each week", { dayOfWeek: "sunday", hourUTC: 4, minuteUTC: 5 }, internal.ticking.tick, {});
crons.monthly("each month", { day: 2, hourUTC: 4, minuteUTC: 5 }, internal.ticking.tick, {});

export default crons;
