/** Pushes over HTTP, without the CLI: races, malformed bodies, what an app sees of a changed environment. */
import { brotliCompressSync } from "node:zlib";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startBackend, type RunningBackend } from "../server.ts";

let running: RunningBackend;

beforeEach(async () => {
  running = await startBackend({ dir: null, dbPath: ":memory:" });
});

afterEach(() => running.close());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function post(path: string, body: string | Uint8Array, headers: object = {}): Promise<Answer> {
  const response = await fetch(`${running.url}/api/${path}`, {
    method: "POST",
    headers: { authorization: `Convex ${running.adminKey}`, ...headers },
    body: body as BodyInit,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A module as a bundler would leave it: a query that returns `value`, an expression. */
const query = (value: string, before = ""): string => `${before};
  const registered = { isQuery: true, isPublic: true, exportArgs: () => '{"type":"any"}',
    exportReturns: () => "null", invokeQuery: async () => JSON.stringify(${value}) };
  export { registered as default };`;

const action = (value: string, before: string): string => `${before};
  const registered = { isAction: true, isPublic: true, exportArgs: () => '{"type":"any"}',
    exportReturns: () => "null", invokeAction: async () => JSON.stringify(${value}) };
  export { registered as default };`;

const request = (modules: Record<string, string>): object => ({
  dryRun: false,
  functions: "convex/",
  appDefinition: {
    changedModules: Object.entries(modules).map(([path, source]) => ({
      path,
      source,
      environment: "isolate",
    })),
    unchangedModuleHashes: [],
    schema: null,
    udfServerVersion: "1.48.0",
  },
  componentDefinitions: [],
  nodeDependencies: [],
});

async function begin(modules: Record<string, string>): Promise<Record<string, unknown>> {
  const { status, body } = await post("deploy2/start_push", JSON.stringify(request(modules)));
  expect([status, body]).toEqual([200, body]);
  return body;
}

const finish = (startPush: object): Promise<Answer> =>
  post("deploy2/finish_push", JSON.stringify({ startPush, dryRun: false }));

async function push(modules: Record<string, string>): Promise<void> {
  expect(await finish(await begin(modules))).toMatchObject({ status: 200 });
}

const client = (): ConvexHttpClient => new ConvexHttpClient(running.url, { logger: false });
const value = (): Promise<unknown> => client().query(makeFunctionReference<"query">("value"), {});

const setEnv = (name: string, to: string | null): Promise<Answer> =>
  post("update_environment_variables", JSON.stringify({ changes: [{ name, value: to }] }));

test("of two pushes that began together the second must begin again", async () => {
  const [first, second] = [await begin({ "value.js": query("1") }), await begin({ "value.js": query("2") })];
  expect(await finish(second)).toMatchObject({ status: 200 });
  expect(await finish(first)).toMatchObject({ status: 409, body: { code: "RaceDetected" } });
  const waited = await post("deploy2/wait_for_schema", JSON.stringify(first));
  expect(waited.body).toEqual({ type: "raceDetected" });
  expect(await value()).toBe(2);
});

test("a change of the environment makes a push begin again", async () => {
  const begun = await begin({ "value.js": query("1") });
  expect(await setEnv("COLOUR", "green")).toMatchObject({ status: 200 });
  expect(await finish(begun)).toMatchObject({ status: 409, body: { code: "RaceDetected" } });
});

test("a push that nobody began is refused", async () => {
  const startPush = { schemaChange: { schemaIds: { "": "unknown" } } };
  expect(await finish(startPush)).toMatchObject({ status: 409, body: { code: "RaceDetected" } });
});

test("modules that have not changed need not be sent again; a wrong hash is refused", async () => {
  await push({ "value.js": query("7"), "other.js": query("8") });
  const hashes = (await post("get_config_hashes", "{}")).body["moduleHashes"] as {
    path: string;
    hash: string;
  }[];
  const known = hashes.find(({ path }) => path === "value.js")!;
  const unchanged = (sha256: string): string => {
    const base = request({}) as { appDefinition: object };
    const unchangedModuleHashes = [{ path: "value.js", environment: "isolate", sha256 }];
    return JSON.stringify({ ...base, appDefinition: { ...base.appDefinition, unchangedModuleHashes } });
  };
  expect(await post("deploy2/start_push", unchanged("wrong"))).toMatchObject({ status: 400 });
  const begun = await post("deploy2/start_push", unchanged(known.hash));
  expect(await finish(begun.body)).toMatchObject({ status: 200 });
  expect(await value()).toBe(7);
  await expect(client().query(makeFunctionReference<"query">("other"), {})).rejects.toThrow("Could not find");
});

test("modules read the environment anew when it changes, actions' modules too", async () => {
  await push({
    "value.js": query("colour ?? null", "const colour = process.env.COLOUR"),
    "act.js": action("colour ?? null", "const colour = process.env.COLOUR"),
  });
  const acted = (): Promise<unknown> => client().action(makeFunctionReference<"action">("act"), {});
  expect([await value(), await acted()]).toEqual([null, null]);
  await setEnv("COLOUR", "green");
  expect([await value(), await acted()]).toEqual(["green", "green"]);
  await setEnv("COLOUR", null);
  expect([await value(), await acted()]).toEqual([null, null]);
});

test("a variable that the app cannot do without stays", async () => {
  await setEnv("COLOUR", "green");
  const needy = `if (!process.env.COLOUR) throw new Error("COLOUR must be set")`;
  await push({ "value.js": query("process.env.COLOUR", needy) });
  const refused = await setEnv("COLOUR", null);
  expect(refused).toMatchObject({ status: 400, body: { code: "EnvironmentRefused" } });
  expect(refused.body["message"]).toContain("COLOUR must be set");
  expect(await value()).toBe("green");
});

test("malformed pushes are refused, and the backend goes on", async () => {
  const br = { "content-encoding": "br" };
  const text = JSON.stringify(request({ "value.js": query("1") }));
  const cases: [string | Uint8Array, object, number][] = [
    ["", {}, 400],
    ["{", {}, 400],
    ["[]", {}, 400],
    [
      JSON.stringify({ appDefinition: { changedModules: [{ path: 5 }], unchangedModuleHashes: [] } }),
      {},
      400,
    ],
    [text, br, 400],
    [brotliCompressSync(text).subarray(0, 20), br, 400],
    [brotliCompressSync("{"), br, 400],
    [text, { "content-encoding": "gzip" }, 415],
    [JSON.stringify(request({ "value.js": "syntax error here" })), {}, 400],
    [JSON.stringify(request({ "value.js": `throw new Error("at load")` })), {}, 400],
    [JSON.stringify(request({ "value.js": "for (;;);" })), {}, 400],
    [JSON.stringify(request({ "value.js": `import "./missing.js"` })), {}, 400],
    [JSON.stringify(request({ "crons.js": "export default 5" })), {}, 400],
    [JSON.stringify(request({ "http.js": "export default 5" })), {}, 400],
  ];
  for (const [body, headers, status] of cases) {
    expect([String(body).slice(0, 300), (await post("deploy2/start_push", body, headers)).status]).toEqual([
      String(body).slice(0, 300),
      status,
    ]);
  }
  await push({ "value.js": query("1") });
  expect(await value()).toBe(1);
});
