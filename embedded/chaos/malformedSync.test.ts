/** Messages that no client should send: an answer, or the end of that one connection. */
import { connect as connectTcp } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { until } from "../conformance/driver.ts";
import { RawClient } from "./rawClient.ts";
import { SECRET, Witness } from "./witness.ts";

let witness: Witness;
let client: RawClient;

beforeAll(async () => {
  witness = await Witness.start();
});

afterAll(async () => {
  await witness.close();
});

afterEach(async () => {
  client?.end();
  expect(client?.texts.join("")).not.toContain(SECRET);
  await witness.assertServed();
});

const connected = async (): Promise<RawClient> => {
  client = await RawClient.open(witness.server.url);
  client.connect();
  return client;
};

const add = (queryId: number, udfPath: string, args: unknown[] = [{}], more: object = {}) => ({
  ...{ type: "Add", queryId, udfPath, args, ...more },
});

const modify = (baseVersion: unknown, newVersion: unknown, ...modifications: unknown[]) => ({
  ...{ type: "ModifyQuerySet", baseVersion, newVersion, modifications },
});

const mutation = (requestId: unknown, udfPath: unknown, args: unknown = [{}]) => ({
  ...{ type: "Mutation", requestId, udfPath, args },
});

/** Each of these ends the connection with an error that says why. */
const FATAL: [string, unknown][] = [
  ["no JSON", "{"],
  ["an empty text", ""],
  ["JSON of another kind", "17"],
  ["an unknown type", { type: "Nonsense" }],
  ["no type", {}],
  ["a second Connect", { type: "Connect", sessionId: "again", connectionCount: 1 }],
  ["a wrong base version", modify(5, 6)],
  ["a version that does not rise", modify(0, 0)],
  ["a version that is negative", modify(-1, 1)],
  ["a version that is a fraction", modify(0, 0.5)],
  ["a version that is text", modify("0", 1)],
  [
    "modifications that are none",
    { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: {} },
  ],
  ["an unknown modification", modify(0, 1, { type: "Change", queryId: 1 })],
  ["one query added twice", modify(0, 1, add(1, "values:noArgs"), add(1, "values:noArgs"))],
  ["a path that is no text", modify(0, 1, { type: "Add", queryId: 1, udfPath: 5, args: [{}] })],
  ["arguments that are no list", mutation(0, "values:noArgs", {})],
  ["a request id that is text", mutation("0", "values:noArgs")],
  ["a request id that is negative", mutation(-1, "values:noArgs")],
  ["an unknown token type", { type: "Authenticate", baseVersion: 0, tokenType: "Root", value: "x" }],
  ["a wrong identity version", { type: "Authenticate", baseVersion: 3, tokenType: "None" }],
  ["nesting of 100,000", `{"type":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
];

test.each(FATAL)("%s ends the connection", async (_name, message) => {
  (await connected()).send(message);
  const fatal = await client.hear("a fatal error", ({ type }) => type === "FatalError");
  expect(String(fatal["error"]).length).toBeGreaterThan(10);
  expect(String(fatal["error"]).length).toBeLessThan(500);
  await client.closed();
});

test.each([
  ["a query set", modify(0, 1, add(1, "values:noArgs"))],
  ["a mutation", mutation(0, "clients:append", [{ client: "x", n: 0 }])],
  ["a token", { type: "Authenticate", baseVersion: 0, tokenType: "None" }],
])("%s before Connect ends the connection", async (_name, message) => {
  client = await RawClient.open(witness.server.url);
  client.send(message);
  await client.hear("a fatal error", ({ type }) => type === "FatalError");
  await client.closed();
});

describe("a call that cannot be made is answered, and the connection goes on", () => {
  const CALLS: [string, unknown, unknown[]][] = [
    ["an unknown function", "no:where", [{}]],
    ["an empty path", "", [{}]],
    ["a prototype's property", "__proto__:toString", [{}]],
    ["an internal function", "nested:add", [{ label: "x" }]],
    ["a query", "values:noArgs", [{}]],
    ["wrong arguments", "clients:append", [{ client: 5, n: "x" }]],
    ["an argument that is no object", "clients:append", ["x"]],
    [
      "two arguments",
      "clients:append",
      [
        { client: "x", n: 0 },
        { client: "y", n: 1 },
      ],
    ],
    ["a malformed value", "rows:insert", [{ table: "loose", document: { a: { $integer: "?" } } }]],
    ["a system function", "_system/cli/tables", [{}]],
  ];
  test.each(CALLS)("%s", async (name, path, args) => {
    (await connected()).send(mutation(0, path, args));
    const said = await client.hear("an answer", ({ type }) => type === "MutationResponse");
    // Further arguments are not looked at by Convex either.
    expect(said["success"]).toBe(name === "two arguments");
    client.send(modify(0, 1, add(1, "values:noArgs")));
    await client.hear("the query's result", ({ type }) => type === "Transition");
    expect(client.isOpen).toBe(true);
  });

  const PAGE = { group: "g", paginationOpts: { numItems: 1, cursor: null } };
  const QUERIES: [string, object][] = [
    ["an unknown function", add(1, "no:where")],
    ["a bad cursor", add(1, "rows:page", [{ ...PAGE, paginationOpts: { numItems: 1, cursor: "!" } }])],
    [
      "a bad end cursor",
      add(1, "rows:page", [{ ...PAGE, paginationOpts: { numItems: 1, cursor: null, endCursor: "e30" } }]),
    ],
    ["a bad journal", add(1, "rows:page", [PAGE], { journal: "not a cursor" })],
    ["a negative page", add(1, "rows:page", [{ ...PAGE, paginationOpts: { numItems: -1, cursor: null } }])],
    ["a component", add(1, "values:noArgs", [{}], { componentPath: "child" })],
    ["a system function", add(1, "_system/cli/tables")],
    [
      "nesting of 1,000",
      add(1, "values:echo", [{ value: JSON.parse("[".repeat(1_000) + "]".repeat(1_000)) as unknown }]),
    ],
  ];
  test.each(QUERIES)("a query of %s", async (_name, added) => {
    (await connected()).send(modify(0, 1, added));
    const said = await client.hear("a transition", ({ type }) => type === "Transition");
    expect(said["modifications"]).toMatchObject([{ type: "QueryFailed", queryId: 1 }]);
    client.send(modify(1, 2, { type: "Remove", queryId: 1 }, { type: "Remove", queryId: 99 }));
    await client.hear("the removal", (each) => (each["endVersion"] as { querySet?: number })?.querySet === 2);
    expect(client.isOpen).toBe(true);
  });
});

describe("identities", () => {
  const authenticate = (value: string, tokenType = "User", more: object = {}) => ({
    ...{ type: "Authenticate", baseVersion: 0, tokenType, value, ...more },
  });

  test.each([
    ["nonsense", () => Promise.resolve("x.y.z")],
    ["nothing", () => Promise.resolve("")],
    [
      "an expired token",
      () => witness.keys.token({ subject: "witness", issuer: "https://issuer.test" }, { expiresIn: -60 }),
    ],
    [
      "a forged token",
      () => witness.keys.token({ subject: "witness", issuer: "https://issuer.test" }, { foreignKey: true }),
    ],
    [
      "a token of another issuer",
      () => witness.keys.token({ subject: "witness", issuer: "https://elsewhere.test" }),
    ],
  ])("%s is refused, and shows nothing", async (_name, make) => {
    (await connected()).send(authenticate(await make()));
    client.send(modify(0, 1, add(1, "identity:myNotes")));
    await client.hear("the refusal", ({ type }) => type === "AuthError");
    await client.closed();
    expect(client.texts.join("")).not.toContain("QueryUpdated");
  });

  test("a wrong admin key is refused, and acting as somebody with it too", async () => {
    (await connected()).send(
      authenticate("convex-embedded|0", "Admin", {
        impersonating: {
          tokenIdentifier: "https://issuer.test|witness",
          issuer: "https://issuer.test",
          subject: "witness",
        },
      }),
    );
    client.send(modify(0, 1, add(1, "identity:myNotes")));
    await client.hear("the refusal", ({ type }) => type === "AuthError");
    await client.closed();
  });

  test("another's session id and request ids give nothing of the other's answers", async () => {
    const session = crypto.randomUUID();
    const owner = await RawClient.open(witness.server.url);
    owner.connect(session);
    owner.send(authenticate(await witness.token()));
    owner.send(mutation(0, "identity:whoamiInMutation"));
    const own = await owner.hear("the owner's answer", ({ type }) => type === "MutationResponse");
    expect(own["result"]).toBe("https://issuer.test|witness");
    client = await RawClient.open(witness.server.url);
    client.connect(session);
    client.send(mutation(0, "identity:whoamiInMutation"));
    const said = await client.hear("an answer", ({ type }) => type === "MutationResponse");
    expect(said["result"]).toBeNull();
    owner.end();
  });

  test("the owner's own repetition gets the first answer again, and runs nothing twice", async () => {
    const session = crypto.randomUUID();
    const send = async (): Promise<unknown> => {
      client = await RawClient.open(witness.server.url);
      client.connect(session);
      client.send(mutation(7, "rows:insert", [{ table: "loose", document: { once: true } }]));
      return (await client.hear("an answer", ({ type }) => type === "MutationResponse"))["result"];
    };
    const first = await send();
    client.end();
    expect(await send()).toBe(first);
  });
});

describe("frames", () => {
  test("a binary message ends the connection", async () => {
    (await connected()).sendBinary(new Uint8Array([1, 2, 3]));
    expect(await client.closed()).toBe(1003);
  });

  test("a message larger than any may be ends the connection", async () => {
    (await connected()).send(JSON.stringify(mutation(0, "values:noArgs", [{ x: "y".repeat(24 << 20) }])));
    expect(await client.closed()).toBe(1009);
  });

  const raw: [string, number[]][] = [
    ["a frame without a mask", [0x81, 0x01, 0x41]],
    ["reserved bits", [0xf1, 0x80, 0, 0, 0, 0]],
    ["an unknown opcode", [0x83, 0x80, 0, 0, 0, 0]],
    ["a long ping", [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0]],
    ["text that is no UTF-8", [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    ["a continuation of nothing", [0x80, 0x80, 0, 0, 0, 0]],
    ["a length of 2^63", [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ];
  test.each(raw)("%s ends the connection", async (_name, bytes) => {
    const { hostname, port } = new URL(witness.server.url);
    const socket = connectTcp({ host: hostname, port: Number(port) });
    let heard = Buffer.alloc(0);
    let closed = false;
    socket.on("data", (part) => {
      heard = Buffer.concat([heard, part as Buffer]);
    });
    socket.on("close", () => {
      closed = true;
    });
    socket.on("error", () => {
      // The close that follows tells.
    });
    socket.write(
      "GET /api/1.48.0/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await until("the upgrade", () => Promise.resolve(heard.includes("101 Switching")));
    socket.write(Uint8Array.from(bytes));
    await until("a close frame, or the end", () => Promise.resolve(closed || heard.includes(0x88, -40)));
    socket.destroy();
  });

  test("a client that leaves in the middle of its mutations does not disturb them", async () => {
    await connected();
    const label = crypto.randomUUID();
    for (let n = 0; n < 50; n++) client.send(mutation(n, "clients:append", [{ client: label, n }]));
    await client.hear("the first answer", ({ type }) => type === "MutationResponse");
    client.end();
    const observer = await RawClient.open(witness.server.url);
    observer.connect();
    observer.send(modify(0, 1, add(1, "clients:balance"), add(2, "clients:tail", [{ client: label }])));
    const state = await observer.hear("the state", ({ type }) => type === "Transition");
    const [balance, tail] = (state["modifications"] as { value: { entries: number; counted: number } }[]).map(
      ({ value }) => value,
    );
    expect(balance!.entries).toBe(balance!.counted);
    expect(Number(tail)).toBeGreaterThanOrEqual(0);
    observer.end();
  });
});
