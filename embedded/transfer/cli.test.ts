/** The unmodified `npx convex import` and `npx convex export` against a running backend. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startBackend, type RunningBackend } from "../server.ts";
import { CLI } from "../testing/cli.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const CLI_TIMEOUT_MS = 45_000;

const FUNCTIONS: Record<string, string> = {
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({
      messages: defineTable({ body: v.string(), n: v.optional(v.union(v.number(), v.int64())) })
        .searchIndex("by_body", { searchField: "body" }),
    });`,
  "messages.ts": `
    import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action } from "convex/server";
    import { v } from "convex/values";
    export const list = query({ args: {}, handler: (ctx) => ctx.db.query("messages").take(1000) });
    export const send = mutation({
      args: { body: v.string(), n: v.optional(v.union(v.number(), v.int64())) },
      handler: (ctx, args) => ctx.db.insert("messages", args),
    });
    export const search = query({
      args: { text: v.string() },
      handler: async (ctx, { text }) => {
        const found = await ctx.db.query("messages").withSearchIndex("by_body", (q) => q.search("body", text)).take(10);
        return found.map((each) => each.body);
      },
    });
    export const store = action({
      args: { text: v.string() },
      handler: (ctx, { text }) => ctx.storage.store(new Blob([text], { type: "text/plain" })),
    });
    export const url = query({ args: { id: v.string() }, handler: (ctx, { id }) => ctx.storage.getUrl(id) });`,
};

let folder: string;
let project: string;
let running: RunningBackend;

const query = <T>(on: RunningBackend, name: string, args: Record<string, string> = {}): Promise<T> =>
  new ConvexHttpClient(on.url, { logger: false }).query(
    makeFunctionReference<"query">(name),
    args,
  ) as Promise<T>;

function run<T>(on: RunningBackend, kind: "mutation" | "action", name: string, args: object): Promise<T> {
  const client = new ConvexHttpClient(on.url, { logger: false });
  const given = args as Record<string, string>;
  const answer =
    kind === "mutation"
      ? client.mutation(makeFunctionReference<"mutation">(name), given)
      : client.action(makeFunctionReference<"action">(name), given);
  return answer as Promise<T>;
}

/** Runs the CLI in the project's folder; what it prints comes back, and a failure rejects with it. */
async function convex(on: RunningBackend, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [CLI, ...args], {
    cwd: project,
    timeout: CLI_TIMEOUT_MS,
    env: {
      ...process.env,
      CONVEX_SELF_HOSTED_URL: on.url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: on.adminKey,
      CI: "1",
      NO_COLOR: "1",
    },
  });
  return stdout + stderr;
}

const start = (name: string): Promise<RunningBackend> =>
  startBackend({ dir: path.join(project, "convex"), dbPath: path.join(folder, name, "db.sqlite") });

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "transfer-cli-"));
  project = path.join(folder, "project");
  mkdirSync(path.join(project, "convex"), { recursive: true });
  writeFileSync(
    path.join(project, "package.json"),
    JSON.stringify({ name: "transfer-cli", type: "module", dependencies: { convex: "*" } }),
  );
  symlinkSync(path.join(ROOT, "node_modules"), path.join(project, "node_modules"));
  for (const [name, text] of Object.entries(FUNCTIONS))
    writeFileSync(path.join(project, "convex", name), text);
});

let round = 0;
beforeEach(async () => {
  running = await start(String(++round));
  return () => running.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inProject = (name: string, text: string): string => {
  writeFileSync(path.join(project, name), text);
  return name;
};

test("import: JSON lines, a JSON array and CSV, with and without consent", async () => {
  const lines = inProject("a.jsonl", '{"body":"one"}\n{"body":"two"}\n');
  expect(await convex(running, "import", "--table", "messages", lines)).toContain(
    'Added 2 documents to table "messages"',
  );
  const array = inProject("b.json", '\uFEFF[{"body":"three"}]');
  await expect(convex(running, "import", "--table", "messages", array)).rejects.toThrow(
    "Table messages already exists. Please choose a new table name or use replace/append modes.",
  );
  expect(await convex(running, "import", "--append", "--table", "messages", array)).toContain(
    "Added 1 documents",
  );
  const csv = inProject("c.csv", "body,n\nfour,4\nfive,\n");
  const replaced = await convex(running, "import", "--replace", "--yes", "--table", "messages", csv);
  expect(replaced).toContain("messages | 2      | 3 of 3 |");
  expect(replaced).toContain("Added 2 documents");
  const found = await query<{ body: string; n?: number }[]>(running, "messages:list");
  expect(found.map(({ body, n }) => [body, n])).toEqual([
    ["four", 4],
    ["five", undefined],
  ]);
  expect(await query(running, "messages:search", { text: "fou" })).toEqual(["four"]);
});

test("import: what does not fit is refused with its reason", async () => {
  const wrong = inProject("wrong.jsonl", '{"body":"fine"}\n{"body":7}\n');
  await expect(convex(running, "import", "--table", "messages", wrong)).rejects.toThrow(
    /Row 2: .*does not match the schema/s,
  );
  const broken = inProject("broken.jsonl", "{oops\n");
  await expect(convex(running, "import", "--table", "messages", broken)).rejects.toThrow(
    "Row 1 wasn't valid JSON",
  );
  expect(await query(running, "messages:list")).toEqual([]);
});

test("export and import carry everything from one deployment to another", async () => {
  await run(running, "mutation", "messages:send", { body: "größe", n: 5n });
  for (let i = 0; i < 30; i++)
    await run(running, "mutation", "messages:send", { body: `message ${i}`, n: i });
  const id = await run<string>(running, "action", "messages:store", { text: "file content" });
  const out = await convex(running, "export", "--include-file-storage", "--path", "out.zip");
  expect(out).toContain("Downloaded snapshot export to out.zip");
  await expect(convex(running, "export", "--path", "out.zip")).rejects.toThrow("already exists");
  mkdirSync(path.join(project, "exports"), { recursive: true });
  await convex(running, "export", "--path", "exports");
  expect(readdirSync(path.join(project, "exports"))).toEqual([expect.stringMatching(/^snapshot_\d+\.zip$/)]);

  const other = await start(`${round}-other`);
  try {
    expect(await convex(other, "import", "out.zip")).toContain("Added 31 documents");
    expect(await query(other, "messages:list")).toEqual(await query(running, "messages:list"));
    expect(await query(other, "messages:search", { text: "größe" })).toEqual(["größe"]);
    const url = await query<string>(other, "messages:url", { id });
    expect(await (await fetch(url)).text()).toBe("file content");
    await run(other, "mutation", "messages:send", { body: "more" });
    expect(await convex(other, "import", "--replace-all", "--yes", "out.zip")).toContain(
      "Added 31 documents",
    );
    expect(await query<unknown[]>(other, "messages:list")).toHaveLength(31);
  } finally {
    await other.close();
  }
});

test("a live query sees an import", async () => {
  const { ConvexClient } = await import("convex/browser");
  const client = new ConvexClient(running.url);
  try {
    const seen: number[] = [];
    let arrived = (): void => {};
    const three = new Promise<void>((resolve) => (arrived = resolve));
    client.onUpdate(makeFunctionReference<"query">("messages:list"), {}, (found: unknown[]) => {
      seen.push(found.length);
      if (found.length === 3) arrived();
    });
    const lines = inProject("live.jsonl", '{"body":"1"}\n{"body":"2"}\n{"body":"3"}\n');
    await convex(running, "import", "--table", "messages", lines);
    await three;
    // All of it at once: nobody sees a part of an import.
    expect(seen).toEqual([0, 3]);
  } finally {
    await client.close();
  }
});

test("only the admin key imports and exports", async () => {
  for (const [method, where] of [
    ["POST", "/api/import/start_upload"],
    ["POST", "/api/perform_import"],
    ["POST", "/api/export/request/zip"],
    ["GET", "/api/export/zip/1"],
  ] as const) {
    expect((await fetch(running.url + where, { method })).status).toBe(401);
    const headers = { authorization: "Convex convex-embedded|wrong" };
    expect((await fetch(running.url + where, { method, headers })).status).toBe(401);
  }
  await expect(query(running, "_system/cli/queryImport:list")).rejects.toThrow();
});
