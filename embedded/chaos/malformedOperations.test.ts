/** Operations that no version of Convex's library asks for: refused in words, whatever asks, and nothing is harmed. */
import { ConvexHttpClient } from "convex/browser";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { api } from "../conformance/app/convex/_generated/api.js";
import { times } from "../../tests/long.ts";
import { mutate, randomFrom } from "./mutate.ts";
import { SECRET, Witness } from "./witness.ts";

/** Of twenty damaged operations each. */
const ROUNDS = times(10, 50);
const seed = Number(process.env["SEED"] ?? Date.now() % 1e9);

let witness: Witness;
let client: ConvexHttpClient;

beforeAll(async () => {
  witness = await Witness.start();
  client = new ConvexHttpClient(witness.server.url, { logger: false });
});

afterAll(async () => {
  await witness.close();
});

afterEach(async () => {
  await witness.assertServed();
});

type Name = "inQuery" | "inMutation" | "inAction";

async function operate(name: Name, how: string, op: string, args: string): Promise<string> {
  const given = { how, op, args };
  if (name === "inQuery") return await client.query(api.hostile.inQuery, given);
  if (name === "inMutation") return await client.mutation(api.hostile.inMutation, given);
  return await client.action(api.hostile.inAction, given);
}

const REFUSED: [string, string, string][] = [
  ["async", "1.0/nothing", "{}"],
  ["sync", "1.0/nothing", "{}"],
  ["async", "9.9/get", "{}"],
  ["async", "__proto__", "{}"],
  ["async", "constructor", "{}"],
  ["sync", "toString", "{}"],
  ["async", "1.0/get", "not JSON"],
  ["async", "1.0/get", "{}"],
  ["async", "1.0/get", '{"id":{"a":1}}'],
  ["async", "1.0/insert", '{"table":"_scheduled_functions","value":{}}'],
  ["async", "1.0/insert", '{"table":"a b","value":{}}'],
  ["async", "1.0/insert", '{"table":"notes","value":[]}'],
  ["async", "1.0/queryStreamNext", '{"queryId":77}'],
  [
    "async",
    "1.0/queryPage",
    '{"query":{"source":{"type":"FullTableScan","tableName":"items","order":"asc"},"operators":[]},"cursor":null,"pageSize":2.5}',
  ],
  ["sync", "1.0/queryStream", '{"query":{"source":{"type":"Everything"},"operators":[]}}'],
  ["async", "1.0/runUdf", '{"udfType":"system","name":"x","args":{}}'],
  ["async", "1.0/schedule", '{"name":"values:noArgs","ts":"soon","args":{}}'],
  ["async", "1.0/storageGetUrl", '{"storageId":"nonsense"}'],
  ["js", "storage/nothing", "{}"],
];

describe.each(["inQuery", "inMutation", "inAction"] as const)("%s", (name) => {
  test.each(REFUSED)("%s %s %s", async (how, op, args) => {
    const said = await operate(name, how, op, args);
    expect(said).toMatch(/^refused: .{10,}/s);
    expect(said.length).toBeLessThan(2_000);
  });

  test(`${ROUNDS * 20} damaged operations`, async () => {
    const random = randomFrom(seed);
    const source = { type: "IndexRange", indexName: "items.by_label", range: [], order: "asc" };
    const good: [string, string, unknown][] = [
      ["async", "1.0/get", { id: "j57000000000000000000000000000000", isSystem: false, table: "items" }],
      [
        "sync",
        "1.0/queryStream",
        {
          query: {
            source,
            operators: [{ filter: { $eq: [{ $field: "a" }, { $literal: 1 }] } }, { limit: 2 }],
          },
        },
      ],
      [
        "async",
        "1.0/queryPage",
        { query: { source, operators: [] }, cursor: null, pageSize: 2, maximumRowsRead: 5 },
      ],
      ["async", "1.0/insert", { table: "loose", value: { a: [{ $integer: "AQAAAAAAAAA=" }] } }],
      ["async", "1.0/count", { table: "items" }],
      [
        "async",
        "1.0/actions/vectorSearch",
        { query: { indexName: "points.by_embedding", limit: 3, vector: [1, 2, 3], expressions: null } },
      ],
      ["async", "1.0/actions/query", { name: "values:noArgs", args: {} }],
      ["async", "1.0/runUdf", { udfType: "query", name: "values:noArgs", args: {} }],
      ["async", "1.0/createFunctionHandle", { name: "values:noArgs" }],
    ];
    for (let round = 0; round < ROUNDS; round++) {
      const calls = Array.from({ length: 20 }, () => good[Math.floor(random() * good.length)]!);
      const said = await Promise.all(
        calls.map(([how, op, args]) =>
          operate(name, how, op, mutate(args, random)).catch((error: unknown) => `refused: ${String(error)}`),
        ),
      );
      expect(said.join("\n"), `seed ${seed}`).not.toContain(SECRET);
    }
    expect(witness.server.log, `seed ${seed}`).not.toMatch(
      /"(sync|http)\.failed"|uncaughtException|unhandledRejection/,
    );
  });
});
