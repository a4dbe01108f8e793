import { cronJobs } from "convex/server";
import { internal } from "./_generated/api";

const crons = cronJobs();

// Minutes apart from each other and off the top of the hour, when everybody else's run.
crons.cron("reclaim failed projects' volumes", "7 * * * *", internal.maintenance.reclaimVolumes, {});
crons.cron("prune events", "23 3 * * *", internal.maintenance.pruneEvents, {});
crons.cron("prune requests", "37 3 * * *", internal.maintenance.pruneRequests, {});
crons.cron("prune tokens", "53 3 * * *", internal.maintenance.pruneTokens, {});

// A worker that registers has it done at once; this is for a deployment whose workers stayed as they were.
crons.cron("count projects", "41 * * * *", internal.maintenance.countProjects, {});
crons.cron("prune uploads", "11 4 * * *", internal.maintenance.pruneUploads, {});

export default crons;
