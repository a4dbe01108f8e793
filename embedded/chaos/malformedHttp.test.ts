/** Requests that no client should make: each is answered with an error that says why, and harms nobody. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { exchangeBytes } from "./rawClient.ts";
import { SECRET, Witness } from "./witness.ts";

let witness: Witness;

beforeAll(async () => {
  witness = await Witness.start();
});

afterAll(async () => {
  await witness.close();
});

afterEach(async () => {
  await witness.assertServed();
});

async function post(
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<[number, string]> {
  const response = await fetch(witness.server.url + path, {
    method: "POST",
    body: body as BodyInit,
    headers: { "content-type": "application/json", ...headers },
    signal: AbortSignal.timeout(20_000),
  });
  return [response.status, await response.text()];
}

const call = (changes: object): string =>
  JSON.stringify({ path: "values:echo", format: "convex_encoded_json", args: [{ value: 1 }], ...changes });

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

const BODIES: [string, string | Uint8Array][] = [
  ["nothing", ""],
  ["no JSON", "{path:"],
  ["half a JSON", call({}).slice(0, 30)],
  ["JSON of another kind", "[]"],
  ["null", "null"],
  ["a number", "1e999"],
  ["no path", call({ path: undefined })],
  ["a path that is no text", call({ path: { a: 1 } })],
  ["an unknown format", call({ format: "xml" })],
  ["two arguments", call({ args: [{}, {}] })],
  ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0xfe, 0x00, 0x7d])],
  ["a component", call({ componentPath: "child" })],
];

/** These reach the function call, and are refused there: the status is that of a failed function. */
const CALLS: [string, string][] = [
  ["an unknown function", call({ path: "values:nothing" })],
  ["a path that leaves the folder", call({ path: "../../etc/passwd:default" })],
  ["a path of a prototype's property", call({ path: "__proto__:constructor" })],
  ["a path with a NUL", call({ path: "values\u0000:echo" })],
  ["a path of 100,000 characters", call({ path: "x".repeat(100_000) })],
  ["an argument that is no object", call({ args: [7] })],
  ["a malformed int64", call({ args: [{ value: { $integer: "not base64" } }] })],
  ["an int64 of the wrong length", call({ args: [{ value: { $integer: "AA==" } }] })],
  ["malformed bytes", call({ args: [{ value: { $bytes: 5 } }] })],
  ["a special float that is none", call({ args: [{ value: { $float: "AAAAAAAA8D8=" } }] })],
  ["an unknown special value", call({ args: [{ value: { $unknown: 1 } }] })],
  ["a field name with a dollar", call({ args: [{ value: { $a: 1, b: 2 } }] })],
  ["nesting of 5,000", call({}).replace('"value":1', `"value":${nested(5_000)}`)],
  ["an array of 10,000", call({ args: [{ value: Array(10_000).fill(0) }] })],
  [
    "2,000 fields",
    call({ args: [{ value: Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`f${i}`, 0])) }] }),
  ],
];

describe.each(BODIES)("a body with %s", (_name, body) => {
  test.each(["/api/query", "/api/mutation", "/api/action", "/api/function", "/api/run/values/echo"])(
    "at %s",
    async (path) => {
      const [status, text] = await post(path, body);
      // `run` takes its path from the address: a body without one, or of two arguments, may be a good one there.
      expect(status, text).toBeLessThan(500);
      if (!path.startsWith("/api/run")) {
        expect(status, text).toBeGreaterThanOrEqual(400);
        expect(JSON.parse(text)).toHaveProperty("message");
      }
    },
  );
});

test.each(CALLS)("a call of %s", async (_name, body) => {
  const [status, text] = await post("/api/query", body);
  expect([400, 560], text).toContain(status);
  const said = JSON.parse(text) as { errorMessage?: string; message?: string };
  expect((said.errorMessage ?? said.message)!.length).toBeGreaterThan(10);
  expect(text.length).toBeLessThan(20_000);
});

test("nesting that would overflow a parser's stack", async () => {
  const [status] = await post("/api/query", call({}).replace('"value":1', `"value":${nested(2_000_000)}`));
  expect(status).toBeGreaterThanOrEqual(400);
});

test("a body that is larger than any may be", async () => {
  const [status, text] = await post(
    "/api/query",
    `{"path":"values:echo","args":[{"value":"${"x".repeat(24 << 20)}"}]}`,
  );
  expect(status, text).toBe(413);
});

test.each([
  "/",
  "/api",
  "/api/",
  "/api/nothing",
  "/api/run/",
  "/api/run/%",
  "//",
  "/%2e%2e/",
  "/api/storage/x",
])("an unknown address: %s", async (path) => {
  const heard = await exchangeBytes(
    witness.server.url,
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
  );
  expect(heard).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test.each([
  ["a forged admin key", "Convex convex-embedded|0000"],
  ["half an admin key", ""],
  ["no key after the word", "Convex "],
  ["a token that is none", "Bearer nonsense"],
  ["a token of three dots", "Bearer a.b.c"],
  ["an unknown scheme", "Basic YTpi"],
])("authorization with %s", async (name, given) => {
  const authorization =
    name === "half an admin key" ? `Convex ${witness.server.adminKey.slice(0, -1)}` : given;
  const body = JSON.stringify({ path: "nested:labels", args: [{}], format: "json" });
  const [status, text] = await post("/api/query", body, { authorization });
  expect(text).not.toContain('"status":"success"');
  expect(status).toBeGreaterThanOrEqual(400);
});

test.each([
  ["expired", { expiresIn: -60 }],
  ["for another audience", { audience: "another" }],
  ["signed with another key", { foreignKey: true }],
])("a token that is %s", async (_name, changes) => {
  const token = await witness.keys.token({ subject: "witness", issuer: "https://issuer.test" }, changes);
  const body = JSON.stringify({ path: "identity:myNotes", args: [{}], format: "json" });
  const [status, text] = await post("/api/query", body, { authorization: `Bearer ${token}` });
  expect(status).toBe(401);
  expect(text).not.toContain(SECRET);
});

test.each(["none", "HS256"])("a good token's claims under the algorithm %s", async (alg) => {
  const [, payload] = (await witness.token()).split(".");
  const header = Buffer.from(JSON.stringify({ alg, typ: "JWT", kid: "ES256" })).toString("base64url");
  const body = JSON.stringify({ path: "identity:myNotes", args: [{}], format: "json" });
  const [status, text] = await post("/api/query", body, {
    authorization: `Bearer ${header}.${payload}.AAAA`,
  });
  expect(status).toBe(401);
  expect(text).not.toContain(SECRET);
});

test.each([
  ["no HTTP", "\u0016\u0003\u0001 hello\r\n\r\n"],
  ["a header without an end", `GET / HTTP/1.1\r\nX: ${"y".repeat(100_000)}`],
  [
    "two lengths",
    "POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
  ],
  [
    "a length and chunks",
    "POST /api/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a broken upgrade",
    "GET /api/1.0/sync HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  ],
  [
    "an upgrade elsewhere",
    "GET /api/query HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  ],
  [
    "an upgrade at an address that is none",
    "GET // HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
  ],
])("bytes that are %s", async (_name, bytes) => {
  const heard = await exchangeBytes(witness.server.url, bytes);
  expect(heard).toMatch(/^HTTP\/1\.1 4\d\d /);
});
