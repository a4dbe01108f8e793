/** The backend as the unmodified Convex CLI sees it: `npx convex …` as child processes. */
import { existsSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { api } from "./fixtures/app/convex/_generated/api.js";
import { startBackend, type RunningBackend } from "./server.ts";
import { runCli, Running, type Ended } from "./testing/cli.ts";
import { temporaryFolder, until } from "./testing/fixture.ts";
import { makeProject, type Project } from "./testing/project.ts";

const ADMIN_KEY = "convex-embedded|0123456789abcdef";
const DEPLOY = ["deploy", "--typecheck", "disable"];

// Each command is a process of its own; on a busy machine a test of several takes its time.
vi.setConfig({ testTimeout: 180_000 });

const folder = temporaryFolder();
const dbPath = path.join(folder.path, "data.db");
const start = (): Promise<RunningBackend> => startBackend({ dir: null, dbPath, adminKey: ADMIN_KEY });

let running: RunningBackend;
let project: Project;

beforeAll(async () => {
  running = await start();
  project = makeProject({ "embedded/fixtures/app": "." });
});

afterAll(async () => {
  await running.close();
  folder.remove();
  project.remove();
});

const cli = (...args: string[]): Promise<Ended> => runCli(project, running, args);

/** Runs a command that must succeed; answers with what it printed to stdout. */
async function output(...args: string[]): Promise<string> {
  const ended = await cli(...args);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  return ended.stdout;
}

const result = async (...args: string[]): Promise<unknown> => JSON.parse(await output("run", ...args));

const inConvex = (name: string): string => path.join(project.path, "convex", name);

/** Changes a file of the app for as long as `work` takes. */
async function withFile(name: string, text: string, work: () => Promise<void>): Promise<void> {
  const file = inConvex(name);
  const before = existsSync(file) ? readFileSync(file, "utf8") : null;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  try {
    await work();
  } finally {
    if (before === null) rmSync(file);
    else writeFileSync(file, before);
  }
}

const http = (): ConvexHttpClient => new ConvexHttpClient(running.url, { logger: false });

describe("deploy", () => {
  test("pushes an app to an empty backend, and a second time only says so", async () => {
    await expect(http().query(api.messages.list, { channel: "a" })).rejects.toThrow(
      "Could not find public function",
    );
    const first = await cli(...DEPLOY);
    expect(first, first.stderr).toMatchObject({ code: 0 });
    expect(first.stderr).toContain("messages.by_channel_and_likes");
    expect(first.stderr).toContain("Deployed Convex functions");
    await http().mutation(api.messages.send, { channel: "a", body: "kept" });
    const second = await cli(...DEPLOY);
    expect(second, second.stderr).toMatchObject({ code: 0 });
    expect(second.stderr).not.toContain("Added table indexes");
    expect(await http().query(api.messages.list, { channel: "a" })).toMatchObject([{ body: "kept" }]);
  });

  test("a pushed app survives a restart", async () => {
    await running.close();
    running = await start();
    expect(await http().query(api.messages.list, { channel: "a" })).toMatchObject([{ body: "kept" }]);
    expect(await http().action(api.native.hash, { text: "abc" })).toMatch(/^ba7816bf/);
  });

  test("a dry run changes nothing", async () => {
    await withFile("added.ts", ONE_QUERY, async () => {
      const ended = await cli(...DEPLOY, "--dry-run");
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(ended.stderr).toContain("Would have deployed");
    });
    expect((await cli("run", "added")).code).toBe(1);
  });

  test("a schema that documents violate is refused, and nothing changes", async () => {
    const schema = readFileSync(inConvex("schema.ts"), "utf8");
    const stricter = schema
      .replace("body: v.string(),", "body: v.string(), rating: v.number(),")
      .replace('.index("by_channel", ["channel"])', "");
    await withFile("added.ts", ONE_QUERY, () =>
      withFile("schema.ts", stricter, async () => {
        const ended = await cli(...DEPLOY);
        expect(ended.code).toBe(1);
        expect(ended.stderr).toMatch(
          /Schema validation failed\.\s+Document with ID "\w+" in table "messages" does not match the schema: Object is missing the required field `rating`/,
        );
      }),
    );
    expect(await http().query(api.messages.list, { channel: "a" })).toHaveLength(1);
    await expect(http().query(makeFunctionReference<"query">("added:default"), {})).rejects.toThrow(
      "Could not find public function",
    );
    await http().mutation(api.messages.send, { channel: "a", body: "as before" });
  });

  test("indexes that are dropped and added are told and work", async () => {
    const schema = readFileSync(inConvex("schema.ts"), "utf8");
    const changed = schema.replace('.index("by_name", ["name"]),', '.index("by_friend", ["friend"]),');
    const use = `import { query } from "./_generated/server";
      export default query({ args: {}, handler: (ctx) =>
        ctx.db.query("users").withIndex("by_friend", (q) => q.eq("friend", undefined)).collect() });`;
    await http().mutation(api.misc.digest, { text: "somebody" });
    await withFile("schema.ts", changed, () =>
      withFile("added.ts", use, async () => {
        const ended = await cli(...DEPLOY);
        expect(ended, ended.stderr).toMatchObject({ code: 0 });
        expect(ended.stderr).toMatch(/Deleted table indexes:\s+\[-\] users\.by_name/);
        expect(ended.stderr).toMatch(/Added table indexes:\s+\[\+\] users\.by_friend/);
        expect(await result("added")).toMatchObject([{ name: "somebody" }]);
      }),
    );
    await output(...DEPLOY);
  });

  test("a wrong admin key is refused", async () => {
    const ended = await runCli(project, { ...running, adminKey: "convex-embedded|wrong" }, DEPLOY);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("BadAdminKey");
  });
});

const ONE_QUERY = `import { query } from "./_generated/server";
export default query({ args: {}, handler: () => "added" });`;

describe("what is refused, by name", () => {
  const refused = async (files: Record<string, string>, message: RegExp): Promise<void> => {
    const [[name, text] = [], ...rest] = Object.entries(files);
    if (name === undefined || text === undefined) {
      const ended = await cli(...DEPLOY);
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(message);
      return;
    }
    await withFile(name, text, () => refused(Object.fromEntries(rest), message));
  };

  test("components", () =>
    refused(
      {
        "convex.config.ts": `import { defineApp } from "convex/server";
          import counter from "./counter/convex.config";
          const app = defineApp();
          app.use(counter);
          export default app;`,
        "counter/convex.config.ts": `import { defineComponent } from "convex/server";
          export default defineComponent("counter");`,
        "counter/public.ts": ONE_QUERY,
      },
      /Components are not supported by this backend: .*counter/,
    ));

  test("declared environment variables", () =>
    refused(
      {
        "convex.config.ts": `import { defineApp } from "convex/server";
          import { v } from "convex/values";
          export default defineApp({ env: { GREETING: v.string() } });`,
      },
      /declared environment variables \(GREETING\) are not supported/,
    ));

  test("external packages", () =>
    refused(
      {
        "../convex.json": JSON.stringify({ node: { externalPackages: ["*"] } }),
        "../package.json": JSON.stringify({ dependencies: { convex: "1.48.0", greeter: "1.2.3" } }),
        "../node_modules/greeter/package.json": JSON.stringify({ name: "greeter", version: "1.2.3" }),
        "../node_modules/greeter/index.js": `exports.greet = () => "hello";`,
        "native2.ts": `"use node";
          import { greet } from "greeter";
          import { action } from "./_generated/server";
          export default action({ args: {}, handler: () => greet() });`,
      },
      /External packages are not supported in a push to this backend: greeter/,
    ));

  test("a module that throws while it loads", () =>
    refused({ "added.ts": `throw new Error("cannot start");` + ONE_QUERY }, /Error: cannot start/));

  test("an auth.config that lacks an environment variable", () =>
    refused(
      {
        "auth.config.ts": `export default { providers: [
          { type: "customJwt", issuer: "https://a.example.com", jwks: process.env.MISSING_JWKS, algorithm: "ES256" },
        ] };`,
      },
      /Environment variable MISSING_JWKS is used in auth config file but its value was not set/,
    ));
});

describe("codegen and dev", () => {
  test("codegen writes the types of what is there, and pushes nothing", async () => {
    await withFile("added.ts", ONE_QUERY, async () => {
      await output("codegen", "--typecheck", "disable");
      expect(readFileSync(inConvex("_generated/api.d.ts"), "utf8")).toContain("added: typeof added");
    });
    expect((await cli("run", "added")).code).toBe(1);
  });

  test("static code generation finds every function's types", async () => {
    const config = JSON.stringify({ codegen: { staticApi: true, staticDataModel: true } });
    await withFile("../convex.json", config, async () => {
      await output("codegen", "--typecheck", "disable");
      const text = readFileSync(inConvex("_generated/api.d.ts"), "utf8");
      expect(text).toMatch(
        /popular: FunctionReference<\s*"query",\s*"public",\s*{ channel: string; atLeast: number }/,
      );
      expect(readFileSync(inConvex("_generated/dataModel.d.ts"), "utf8")).toContain("by_channel_and_likes");
    });
    await output("codegen", "--typecheck", "disable");
  });

  test("dev --once pushes and ends", async () => {
    await withFile("added.ts", ONE_QUERY, async () => {
      await output("dev", "--once", "--typecheck", "disable");
      expect(await result("added")).toBe("added");
    });
  });

  test("dev pushes each change, and tries again when a document that was in the way is gone", async () => {
    const watching = new Running(project, running, ["dev", "--typecheck", "disable"]);
    try {
      await watching.printed(/functions ready/);
      await withFile("added.ts", ONE_QUERY.replace('"added"', '"changed"'), async () => {
        await until(
          "the changed function",
          async () => {
            const found = await http()
              .query(makeFunctionReference<"query">("added:default"), {})
              .catch(() => null);
            return found === "changed";
          },
          30_000,
        );
        const id = await http().mutation(api.messages.send, {
          channel: "in the way",
          body: "x",
          author: "me",
        });
        const other = await http().mutation(api.messages.send, { channel: "watched", body: "x" });
        const schema = readFileSync(inConvex("schema.ts"), "utf8");
        const stricter = schema.replace("author: v.optional(v.string())", "author: v.optional(v.null())");
        await withFile("schema.ts", stricter, async () => {
          await watching.printed(/Schema validation failed/);
          await http().mutation(api.messages.remove, { id });
          // Only a change that comes after the CLI has begun to watch the table makes it try again.
          await until(
            "the CLI to watch the table",
            () => running.backend.live.size > 0 || /failed[^]*functions ready/.test(watching.stderr),
          );
          await http().mutation(api.messages.like, { id: other });
          await until("the stricter schema", () => /failed[^]*functions ready/.test(watching.stderr), 30_000);
          await expect(
            http().mutation(api.messages.send, { channel: "probe", body: "x", author: "me" }),
          ).rejects.toThrow("does not match the schema");
        });
      });
    } finally {
      await watching.stop();
    }
    await output(...DEPLOY);
  });
});

describe("run", () => {
  test("queries, mutations, actions, internal functions", async () => {
    const id = await result("messages:send", '{channel: "run", body: "one"}');
    expect(await result("messages:get", JSON.stringify({ id }))).toMatchObject({ body: "one" });
    expect(await result("messages:viaAction", '{channel: "run", body: "two"}')).toEqual(["one", "two"]);
    expect(await result("messages:secret")).toBe("only for insiders");
    expect(await result("internal.messages.secret")).toBe("only for insiders");
    expect(await result("native:hash", '{text: "abc"}')).toMatch(/^ba7816bf/);
  });

  test("acting as a user", async () => {
    expect(await result("messages:whoAmI", "--identity", '{subject: "bob"}')).toBe("bob");
    expect(await output("run", "messages:whoAmI")).toBe("");
  });

  test("--push pushes first", async () => {
    await withFile("added.ts", ONE_QUERY.replace('"added"', '"pushed first"'), async () => {
      expect(await result("added", "--push", "--typecheck", "disable")).toBe("pushed first");
    });
  });

  test("--watch prints each new result", async () => {
    const watching = new Running(project, running, ["run", "counters:read", '{name: "watched"}', "--watch"]);
    await watching.printed(/^0$/m);
    await http().mutation(api.counters.bump, { name: "watched" });
    await watching.printed(/^1$/m);
    await watching.stop();
  });

  test("an unknown function is answered with those there are", async () => {
    const ended = await cli("run", "nothing:here");
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("Could not find function for 'nothing:here'");
    expect(ended.stderr).toContain("messages:whoAmI");
  });

  test("a function's error and its logs are shown", async () => {
    const ended = await cli("run", "messages:fail", '{channel: "x"}');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/Uncaught Error: boom\s+at handler \(\.\.\/convex\/messages\.ts:\d+/);
  });

  test("a query given as source text", async () => {
    const count = 'return (await ctx.db.query("messages").collect()).length';
    expect(JSON.parse(await output("run", "--inline-query", count))).toBeGreaterThan(0);
    const nested = 'const text = await ctx.runQuery("messages:secret", {}); console.log(text); return text';
    expect(JSON.parse(await output("run", "--inline-query", nested))).toBe("only for insiders");
    const failing = await cli("run", "--inline-query", 'throw new Error("from the text")');
    expect(failing.code).toBe(1);
    expect(failing.stderr).toContain("Uncaught Error: from the text");
    const writing = await cli("run", "--inline-query", 'return await ctx.db.insert("users", {name: "x"})');
    expect(writing.code).toBe(1);
  });
});

describe("data, env, function-spec, logs", () => {
  test("data lists tables and documents, system tables too", async () => {
    expect((await output("data")).trim().split("\n")).toEqual([
      ...["counters", "messages", "stamps", "users", "values"],
    ]);
    for (const body of ["first", "second", "third"])
      await http().mutation(api.messages.send, { channel: "data", body });
    const lines = await output("data", "messages", "--limit", "2", "--format", "jsonLines");
    const bodies = lines
      .trim()
      .split("\n")
      .map((line) => /"body": "(\w+)"/.exec(line)?.[1]);
    expect(bodies).toEqual(["third", "second"]);
    expect(await output("data", "messages", "--order", "asc", "--limit", "1")).toContain("kept");
    await http().mutation(api.messages.sendLater, { channel: "data", body: "late", delayMs: 60_000 });
    expect(await output("data", "_scheduled_functions")).toContain("messages.js:sendInternal");
  });

  test("env", async () => {
    await output("env", "set", "COLOUR", "green");
    expect((await output("env", "get", "COLOUR")).trim()).toBe("green");
    expect(await output("env", "list")).toContain("COLOUR=green");
    expect(await http().query(api.misc.env, { name: "COLOUR" })).toBe("green");
    await output("env", "remove", "COLOUR");
    expect(await http().query(api.misc.env, { name: "COLOUR" })).toBeNull();
    const refused = await cli("env", "set", "CONVEX_CLOUD_URL", "http://elsewhere");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('"CONVEX_CLOUD_URL" is set by the backend itself');
  });

  test("function-spec names every function and route", async () => {
    const spec = JSON.parse(await output("function-spec")) as { url: string; functions: object[] };
    expect(spec.url).toBe(running.url);
    expect(spec.functions).toContainEqual({
      args: { type: "object", value: { name: { fieldType: { type: "string" }, optional: false } } },
      functionType: "Query",
      identifier: "misc.js:env",
      returns: { type: "any" },
      visibility: { kind: "public" },
    });
    expect(spec.functions).toContainEqual({ functionType: "HttpAction", method: "POST", path: "/echo" });
  });

  test("logs shows what functions print and how they fail, as it happens", async () => {
    const watching = new Running(project, running, ["logs", "--history", "1"]);
    try {
      await http().action(api.misc.fetchText, { url: `${running.url}/version` });
      await watching.printed(/Watching logs/);
      // The first poll asks where the log ends; what is called until then may be history.
      await until("the log", async () => {
        await http().action(api.misc.fetchText, { url: `${running.url}/version` });
        return watching.stdout.includes("A(misc:fetchText)] [LOG] 'fetching'");
      });
      await expect(http().mutation(api.messages.fail, { channel: "logged" })).rejects.toThrow("boom");
      await watching.printed(/M\(messages:fail\)\] Uncaught Error: boom/);
    } finally {
      await watching.stop();
    }
  });
});

test("a backend that serves a folder can be asked and pushed to as well", async () => {
  const served = await startBackend({ dir: inConvex("."), dbPath: ":memory:", adminKey: ADMIN_KEY });
  try {
    const asked = await runCli(project, served, ["run", "messages:secret"]);
    expect(asked, asked.stderr).toMatchObject({ code: 0, stdout: '"only for insiders"\n' });
    await withFile("added.ts", ONE_QUERY, async () => {
      const deployed = await runCli(project, served, DEPLOY);
      expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    });
    const client = new ConvexHttpClient(served.url, { logger: false });
    expect(await client.query(makeFunctionReference<"query">("added:default"), {})).toBe("added");
  } finally {
    await served.close();
  }
});

test("this repository's own functions deploy and run", async () => {
  const own = makeProject({ convex: "convex", core: "core", "package.json": "package.json" });
  const backend = await startBackend({ dir: null, dbPath: ":memory:", adminKey: ADMIN_KEY });
  try {
    const jwks = 'data:application/json,{"keys":[]}';
    expect(await runCli(own, backend, DEPLOY)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("SLIPWAY_JWKS is used in auth config file") as string,
    });
    const set = await runCli(own, backend, ["env", "set", "SLIPWAY_JWKS", jwks]);
    expect(set, set.stderr).toMatchObject({ code: 0 });
    const deployed = await runCli(own, backend, DEPLOY);
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    const reconciled = await runCli(own, backend, ["run", "admin:reconcile"]);
    expect(reconciled, reconciled.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(reconciled.stdout)).toEqual({ projects: 0, more: false });
  } finally {
    await backend.close();
    own.remove();
  }
});
