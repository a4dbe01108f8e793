/** Random writes to a list that a client shows in pages: at every moment the pages together are the list, as of one commit. */
import { ConvexHttpClient } from "convex/browser";
import type { PaginationResult } from "convex/server";
import type { Value } from "convex/values";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../conformance/app/convex/_generated/api.js";
import type { QuerySpec, WriteSpec } from "../conformance/app/convex/spec.ts";
import { CONFORMANCE_APP } from "../conformance/serverProcess.ts";
import { startBackend, type RunningBackend } from "../server.ts";
import { writes } from "./arbitraries.ts";
import { LiveSession } from "./liveSession.ts";

const numRuns = Number(process.env["PROPERTY_PROGRAMS"] ?? 25);
const WHOLE = "whole";

let server: RunningBackend;
let oneShot: ConvexHttpClient;

beforeAll(async () => {
  server = await startBackend({ dir: CONFORMANCE_APP, dbPath: ":memory:" });
  oneShot = new ConvexHttpClient(server.url, { logger: false });
});

afterAll(async () => {
  await server.close();
});

type Page = PaginationResult<{ label: string }>;
const vary = fc.record({
  index: fc.constantFrom("by_group_and_rank", "by_value", "by_label", "by_creation_time"),
  order: fc.constantFrom<("asc" | "desc")[]>("asc", "desc"),
  numItems: fc.integer({ min: 1, max: 3 }),
});

/** Subscribes page after page until the last one, as a reader does who scrolls to the end. */
async function openPages(
  session: LiveSession,
  list: Omit<QuerySpec, "terminal">,
  numItems: number,
): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | null = null;
  for (;;) {
    const key = `page ${keys.length}`;
    const spec = { ...list, terminal: { kind: "paginate", numItems, cursor } };
    session.subscribe(key, api.rows.find, { spec: spec as unknown as Value });
    await session.showing(key, (shown) => shown.has(key));
    keys.push(key);
    const page = session.shown().get(key) as Page;
    if (page.isDone) return keys;
    cursor = page.continueCursor;
  }
}

test("shows pages that together are the list, whatever is written meanwhile", async () => {
  const first = fc.array(writes, { minLength: 4, maxLength: 14 });
  const batches = fc.array(fc.array(writes, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(first, batches, vary, async (seeded, program, { index, order, numItems }) => {
      while (!(await oneShot.mutation(api.testing.reset, {})));
      await oneShot.mutation(api.rows.write, { writes: seeded });
      const list: Omit<QuerySpec, "terminal"> = { table: "items", index, order };
      const session = new LiveSession(server.url);
      try {
        const whole = { ...list, terminal: { kind: "collect" } };
        session.subscribe(WHOLE, api.rows.find, { spec: whole as unknown as Value });
        const pages = await openPages(session, list, numItems);
        await session.showing("the list", (shown) => shown.has(WHOLE));
        session.history = [];
        const write = (batch: WriteSpec[]): Promise<unknown> =>
          session.mutation(api.rows.write, { writes: batch as unknown as Value[] });
        await Promise.all(program.map(write));
        expect(session.history.length).toBeGreaterThan(0);
        for (const shown of [...session.history, session.shown()]) {
          const together = pages.flatMap((key) => (shown.get(key) as Page).page);
          expect(together).toEqual(shown.get(WHOLE));
        }
      } finally {
        await session.close();
      }
    }),
    { numRuns, ...(process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) }) },
  );
});
