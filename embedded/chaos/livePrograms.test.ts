/**
 * Random programs: several clients write at once, nested children fail and roll back, live queries come and go.
 * Each commit is numbered inside its own transaction, and every client keeps the number subscribed: so each transition
 * says as of which commit it speaks, and every other result in it must be the answer in exactly that state.
 */
import { ConvexHttpClient } from "convex/browser";
import type { Value } from "convex/values";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../conformance/app/convex/_generated/api.js";
import type { QuerySpec, WriteSpec } from "../conformance/app/convex/spec.ts";
import { attempt } from "../conformance/errorClass.ts";
import { CONFORMANCE_APP } from "../conformance/serverProcess.ts";
import { startBackend, type RunningBackend } from "../server.ts";
import { queries, writes } from "./arbitraries.ts";
import { LiveSession, type Shown } from "./liveSession.ts";
import { answer, apply, withoutSystemFields, type State } from "./oracle.ts";
import { times } from "../../tests/long.ts";

const numRuns = Number(process.env["PROPERTY_PROGRAMS"] ?? times(12, 40));
const CLIENTS = 3;
const VERSION = "version";

type Step =
  | { do: "write"; client: number; writes: WriteSpec[]; lost?: WriteSpec[] }
  | { do: "subscribe"; client: number; spec: QuerySpec }
  | { do: "unsubscribe"; client: number; which: number }
  | { do: "disconnect"; client: number }
  | { do: "quiesce" };

const client = fc.integer({ min: 0, max: CLIENTS - 1 });
const batch = fc.array(writes, { minLength: 1, maxLength: 4 });
const calmSteps: fc.MaybeWeightedArbitrary<Step>[] = [
  {
    weight: 6,
    arbitrary: fc.record(
      { do: fc.constant("write" as const), client, writes: batch, lost: batch },
      { requiredKeys: ["do", "client", "writes"] },
    ),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("subscribe" as const), client, spec: queries }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("unsubscribe" as const), client, which: fc.nat({ max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ do: "quiesce" }) },
];
const calmPrograms = fc.array(fc.oneof(...calmSteps), { minLength: 10, maxLength: 60 });

const disconnect: fc.Arbitrary<Step> = fc.record({ do: fc.constant("disconnect" as const), client });
const cutPrograms = fc.array(fc.oneof(...calmSteps, { weight: 2, arbitrary: disconnect }), {
  minLength: 20,
  maxLength: 40,
});

let server: RunningBackend;
let oneShot: ConvexHttpClient;

beforeAll(async () => {
  server = await startBackend({ dir: CONFORMANCE_APP, dbPath: ":memory:" });
  oneShot = new ConvexHttpClient(server.url, { logger: false });
});

afterAll(async () => {
  await server.close();
});

/** Runs one program and keeps what must hold. */
class Program {
  readonly #sessions = Array.from({ length: CLIENTS }, () => new LiveSession(server.url));
  readonly #specs = new Map<string, QuerySpec>();
  /** What each numbered commit wrote. */
  readonly #commits = new Map<number, WriteSpec[]>();
  #running: Promise<void>[] = [];

  constructor() {
    for (const session of this.#sessions) session.subscribe(VERSION, api.rows.version, {});
  }

  async run(program: readonly Step[]): Promise<void> {
    for (const step of program) {
      switch (step.do) {
        case "write":
          this.#running.push(this.#write(step));
          break;
        case "subscribe": {
          const key = JSON.stringify(step.spec, (_, value: unknown) =>
            typeof value === "bigint" ? `${value}n` : value,
          );
          this.#specs.set(key, step.spec);
          this.#sessions[step.client]!.subscribe(key, api.rows.find, { spec: step.spec as never });
          break;
        }
        case "unsubscribe": {
          const session = this.#sessions[step.client]!;
          const keys = session.keys.filter((key) => key !== VERSION);
          const key = keys[step.which % Math.max(keys.length, 1)];
          if (key !== undefined) session.unsubscribe(key);
          break;
        }
        case "disconnect":
          this.#sessions[step.client]!.disconnect();
          break;
        case "quiesce":
          await this.quiesce();
          break;
      }
    }
    await this.quiesce();
    this.#checkHistories();
  }

  async #write({ client: by, writes: made, lost }: Extract<Step, { do: "write" }>): Promise<void> {
    const args: Record<string, Value> = { writes: made as never };
    if (lost !== undefined) args["lost"] = lost as never;
    this.#commits.set(await this.#sessions[by]!.mutation<number>(api.rows.writeNumbered, args), made);
  }

  /** Waits until everything has arrived, then compares each live result with a fresh one. */
  async quiesce(): Promise<void> {
    await Promise.all(this.#running.splice(0));
    const version = this.#commits.size;
    for (const session of this.#sessions) {
      const hasAll = (shown: Shown) =>
        shown.get(VERSION) === version && session.keys.every((key) => shown.has(key));
      await session.showing(`commit ${version}`, hasAll);
      for (const [key, live] of session.shown()) {
        if (key === VERSION) continue;
        const fresh = await attempt(() => oneShot.query(api.rows.find, { spec: this.#specs.get(key)! }));
        expect({ ok: live }, `live result of ${key}`).toEqual(isError(fresh) ? { ok: fresh } : fresh);
      }
    }
  }

  /** Every state that any client has ever shown must be the whole answer as of one commit. */
  #checkHistories(): void {
    const states: State[] = [[]];
    for (let version = 1; version <= this.#commits.size; version++) {
      const made = this.#commits.get(version);
      expect(made, `commit ${version} is numbered once`).toBeDefined();
      states.push(made!.reduce(apply, states[version - 1]!));
    }
    for (const { history } of this.#sessions) {
      let last = 0;
      for (const shown of history) {
        const version = shown.get(VERSION);
        if (typeof version !== "number") continue;
        expect(version, "time goes on").toBeGreaterThanOrEqual(last);
        last = version;
        for (const [key, value] of shown) {
          if (key === VERSION) continue;
          const expected = answer(states[version]!, this.#specs.get(key)!);
          expect(withoutSystemFields(value), `as of commit ${version}: ${key}`).toEqual(expected);
        }
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
  }
}

const isError = (outcome: unknown): boolean =>
  typeof outcome === "object" && outcome !== null && "error" in outcome;

async function runAll(programs: fc.Arbitrary<Step[]>, count: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      while (!(await oneShot.mutation(api.testing.reset, {})));
      const running = new Program();
      try {
        await running.run(program);
      } finally {
        await running.close();
      }
    }),
    { numRuns: count, ...(process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) }) },
  );
}

test(`shows no stale result, and no mixture of two states, in ${numRuns} random programs`, async () => {
  await runAll(calmPrograms, numRuns);
});

test("does so when connections are cut, and makes every mutation once", async () => {
  await runAll(cutPrograms, Math.ceil(numRuns / 8));
});
