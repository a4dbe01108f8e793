/** Empties the database between cases. */
import { getDocumentSize } from "convex/values";
import type { TableNames } from "./_generated/dataModel";
import { mutation } from "./_generated/server";

const TABLES: TableNames[] = [
  ...(["kinds", "items", "loose", "shapes", "articles", "points", "entries", "notes"] as const),
];
/** Kept far below the limits of one mutation. */
const MAX_ROWS = 1_000;
const MAX_BYTES = 6e6;

/** Deletes documents, files and pending jobs; true when nothing is left. */
export const reset = mutation({
  args: {},
  handler: async ({ db, storage, scheduler }): Promise<boolean> => {
    let rows = 0;
    let bytes = 0;
    for (const table of TABLES) {
      for await (const document of db.query(table)) {
        if (++rows > MAX_ROWS || (bytes += getDocumentSize(document)) > MAX_BYTES) return false;
        await db.delete(document._id);
      }
    }
    const counters = await db.query("counters").collect();
    for (const { _id, name } of counters) if (name !== "ticks") await db.delete(_id);
    for (const { _id } of await db.system.query("_storage").collect()) await storage.delete(_id);
    const jobs = await db.system.query("_scheduled_functions").order("desc").take(MAX_ROWS);
    for (const { _id, state, name } of jobs) {
      if (state.kind === "pending" && !name.includes("ticking")) await scheduler.cancel(_id);
    }
    return true;
  },
});
