/** Random writes and random queries: the embedded backend, `convex-test` and a sorted list must give one answer. */
import { ConvexHttpClient } from "convex/browser";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../conformance/app/convex/_generated/api.js";
import { convexTestDriver, type Modules } from "../conformance/convexTestDriver.ts";
import type { Caller } from "../conformance/driver.ts";
import { attempt } from "../conformance/errorClass.ts";
import { CONFORMANCE_APP } from "../conformance/serverProcess.ts";
import { startBackend, type RunningBackend } from "../server.ts";
import { queries, writes } from "./arbitraries.ts";
import { answer, apply, withoutSystemFields, type State } from "./oracle.ts";
import { times } from "../../tests/long.ts";

const modules: Modules = import.meta.glob("../conformance/app/convex/**/*.*s");
const numRuns = Number(process.env["PROPERTY_PROGRAMS"] ?? times(20, 60));

let server: RunningBackend;
let client: ConvexHttpClient;

beforeAll(async () => {
  server = await startBackend({ dir: CONFORMANCE_APP, dbPath: ":memory:" });
  client = new ConvexHttpClient(server.url, { logger: false });
});

afterAll(async () => {
  await server.close();
});

/** The answer without the wrapping of success, so that all three are told in one form. */
async function ask(caller: Pick<Caller, "query">, spec: unknown): Promise<unknown> {
  const given = await attempt(() => caller.query(api.rows.find, { spec }));
  return withoutSystemFields(typeof given === "object" && given !== null && "ok" in given ? given.ok : given);
}

test("answers random queries after random writes as convex-test and a sorted list do", async () => {
  const batches = fc.array(fc.array(writes, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 5 });
  const asked = fc.array(queries, { minLength: 5, maxLength: 15 });
  await fc.assert(
    fc.asyncProperty(batches, asked, async (program, specs) => {
      while (!(await client.mutation(api.testing.reset, {})));
      const reference = convexTestDriver(modules);
      let state: State = [];
      for (const batch of program) {
        await client.mutation(api.rows.write, { writes: batch });
        await reference.mutation(api.rows.write, { writes: batch });
        state = batch.reduce(apply, state);
      }
      for (const spec of specs) {
        const expected = answer(state, spec);
        expect(await ask(client as unknown as Caller, spec), "embedded").toEqual(expected);
        expect(await ask(reference, spec), "convex-test").toEqual(expected);
      }
    }),
    { numRuns, ...(process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) }) },
  );
});
