/**
 * Thousands of damaged messages (`FUZZ_MESSAGES`; `SEED` repeats a run): the server answers each, or ends that one
 * connection; it has no fault of its own, stays the same process, serves its other client, and tells nobody its secret.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutate, randomFrom } from "./mutate.ts";
import { RawClient } from "./rawClient.ts";
import { SECRET, Witness } from "./witness.ts";
import { times } from "../../tests/long.ts";

const MESSAGES = Number(process.env["FUZZ_MESSAGES"] ?? times(2_000, 10_000));
const seed = Number(process.env["SEED"] ?? Date.now() % 1e9);
const PARALLEL = 12;
const BATCH = 600;
/** Closing with this code means a fault of the server's own. */
const INTERNAL_ERROR = 1011;

let witness: Witness;
/** How often each kind of message, and each status, has come back. */
const heard = new Map<string, number>();
const note = (kind: string): void => void heard.set(kind, (heard.get(kind) ?? 0) + 1);

beforeAll(async () => {
  witness = await Witness.start();
});

afterAll(async () => {
  await witness.close();
});

const page = { group: "g", paginationOpts: { numItems: 2, cursor: null } };
const find = {
  spec: {
    table: "items",
    index: "by_label",
    range: [{ op: "gt", field: "label", value: "a" }],
    terminal: { kind: "take", n: 3 },
  },
};

/** What a well-behaved client might send on one connection. */
const script = (name: string): unknown[] => [
  {
    type: "Connect",
    sessionId: name,
    connectionCount: 0,
    lastCloseReason: "InitialConnect",
    maxObservedTimestamp: "AAAAAAAAAAA=",
    clientTs: 5,
  },
  {
    ...{ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1 },
    modifications: [
      { type: "Add", queryId: 0, udfPath: "identity:myNotes", args: [{}] },
      { type: "Add", queryId: 1, udfPath: "rows:page", args: [page], journal: null },
      { type: "Add", queryId: 2, udfPath: "rows:find", args: [find] },
    ],
  },
  { type: "Mutation", requestId: 0, udfPath: "clients:append", args: [{ client: name, n: 0 }] },
  {
    type: "Mutation",
    requestId: 1,
    udfPath: "rows:insert",
    args: [{ table: "loose", document: { a: [{ $integer: "AQAAAAAAAAA=" }], b: {} } }],
  },
  { type: "Authenticate", baseVersion: 0, tokenType: "User", value: "e30.e30.AA" },
  {
    type: "ModifyQuerySet",
    baseVersion: 1,
    newVersion: 2,
    modifications: [
      { type: "Remove", queryId: 1 },
      { type: "Add", queryId: 3, udfPath: "values:noArgs", args: [{}] },
    ],
  },
  { type: "Action", requestId: 2, udfPath: "actions:outer", args: [{ n: 2 }] },
  { type: "Mutation", requestId: 3, udfPath: "nested:partialRollback", args: [{}] },
  { type: "Event", eventType: "ClientConnect", event: { marks: [] } },
];

const CALLS: [string, unknown][] = [
  ["/api/query", { path: "rows:find", format: "convex_encoded_json", args: [find] }],
  ["/api/query", { path: "identity:myNotes", format: "json", args: {} }],
  [
    "/api/mutation",
    {
      path: "rows:write",
      format: "json",
      args: { writes: [{ op: "insert", table: "items", document: { label: "z" } }] },
    },
  ],
  ["/api/action", { path: "actions:outer", format: "json", args: { n: 3 } }],
  ["/api/function", { path: "values:echo", args: { value: [1, { $bytes: "AQI=" }] } }],
  ["/api/run/clients/append", { args: { client: "f", n: 1 }, format: "json" }],
];

/** One connection: some messages as they should be, the rest damaged. Returns how many were damaged. */
async function talk(name: string, random: () => number): Promise<number> {
  const client = await RawClient.open(witness.server.url);
  // Most connections begin well, or nothing behind the first message would ever be reached.
  const intact = random() < 0.1 ? 0 : 1 + Math.floor(random() * 4);
  let damaged = 0;
  for (const [i, message] of script(name).entries()) {
    client.send(i < intact ? message : mutate(message, random));
    if (i >= intact) damaged++;
  }
  await client.answered();
  client.end();
  expect(client.closeCode, `${name}, seed ${seed}`).not.toBe(INTERNAL_ERROR);
  expect(client.texts.join("")).not.toContain(SECRET);
  for (const { type } of client.heard) note(type);
  return damaged;
}

async function request(random: () => number): Promise<number> {
  const [path, body] = CALLS[Math.floor(random() * CALLS.length)]!;
  const text = mutate(body, random);
  const response = await fetch(witness.server.url + path, {
    ...{ method: "POST", body: text, headers: { "content-type": "application/json" } },
    signal: AbortSignal.timeout(20_000),
  });
  const said = await response.text();
  expect(response.status, `${path} ${text.slice(0, 2_000)} → ${said.slice(0, 500)} (seed ${seed})`).not.toBe(
    500,
  );
  expect(said).not.toContain(SECRET);
  note(String(response.status));
  return 1;
}

test(`survives ${MESSAGES} damaged messages`, async () => {
  const random = randomFrom(seed);
  let sent = 0;
  let connections = 0;
  while (sent < MESSAGES) {
    const pause = Math.min(sent + BATCH, MESSAGES);
    while (sent < pause) {
      const work = Array.from({ length: PARALLEL }, (_, i) =>
        i % 3 === 0 ? request(random) : talk(`fuzz ${seed} ${connections++}`, random),
      );
      for (const damaged of await Promise.all(work)) sent += damaged;
    }
    await witness.assertServed();
  }
  expect(Object.prototype).not.toHaveProperty("polluted");
  expect(witness.server.log, `seed ${seed}`).not.toMatch(
    /"(sync|http)\.failed"|uncaughtException|unhandledRejection/,
  );
}, 180_000);
