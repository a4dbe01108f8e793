import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { extract, pack, type Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gitServer, makeRepository, type GitServer } from "../../tests/git/gitServer.ts";
import { parseSource } from "../../core/source.ts";
import { checkedTar, inspectTar } from "./checkedTar.ts";
import { cloneInto } from "./gitClone.ts";
import { gitCalls, gitSaid, type GitSource } from "./gitCommand.ts";
import { IgnoreRules } from "./ignoreRules.ts";
import { listFolder } from "./listFolder.ts";
import { packFolder } from "./packFolder.ts";
import { sourcesIn, type StoredSource } from "./sources.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-sources-"));
  // git runs as another user, who must be able to pass.
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Record<string, string>, at = folder): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(at, path, ".."), { recursive: true });
    await writeFile(join(at, path), text);
  }
}

async function tarOf(entries: (Partial<Header> & { name: string; text?: string })[]): Promise<Buffer> {
  const tar = pack();
  for (const { text, ...header } of entries) tar.entry(header as Header, text ?? "");
  tar.finalize();
  return await buffer(tar as unknown as NodeJS.ReadableStream);
}

async function entriesOf(tar: NodeJS.ReadableStream): Promise<Record<string, Header & { text: string }>> {
  const entries = extract();
  tar.pipe(entries as unknown as NodeJS.WritableStream);
  const found: Record<string, Header & { text: string }> = {};
  for await (const entry of entries) {
    const text = (await buffer(entry as unknown as NodeJS.ReadableStream)).toString();
    found[entry.header.name.replace(/\/$/, "")] = { ...entry.header, text };
  }
  return found;
}

const streamOf = async (bytes: Buffer) => (await import("node:stream")).Readable.from([bytes]);

describe("ignore rules", () => {
  test("go by the deepest file that speaks of a path", () => {
    const rules = new IgnoreRules();
    rules.add("", "*.log\nbuild/\n!keep.log\n");
    rules.add("src", "*.tmp\n!special.log\n/only-here\n");
    const kept = ["keep.log", "src/special.log", "src/a.js", "build", "only-here", "src/deep/only-here"];
    for (const path of kept) expect([path, rules.ignores(path, false)]).toEqual([path, false]);
    const out = ["a.log", "src/a.log", "src/a.tmp", "src/only-here", ".git", "src/.git"];
    for (const path of out) expect([path, rules.ignores(path, false)]).toEqual([path, true]);
    expect(rules.ignores("build", true)).toBe(true);
  });
});

describe("a folder", () => {
  test("is packed without what is ignored and what leads out, with odd names, and unpacks the same", async () => {
    await write({
      ".gitignore": "node_modules\n*.log\n",
      ".slipwayignore": "docs/\n!important.log\n",
      "node_modules/x/index.js": "x",
      "docs/a.md": "x",
      "a.log": "x",
      "important.log": "kept",
      "src/ünïcode – name.js": "u",
      "src/new\nline": "n",
      "src/-rf": "d",
      empty: "",
      ".git/HEAD": "x",
    });
    await chmod(join(folder, "src/-rf"), 0o700);
    await symlink("src/-rf", join(folder, "inside"));
    await symlink("../outside", join(folder, "outside"));
    await symlink("/etc/passwd", join(folder, "absolute"));
    const listing = await listFolder(folder, { obeyRules: true });
    expect(listing.skipped.map(({ path }) => path).sort()).toEqual(["absolute", "outside"]);
    const packed = await entriesOf(packFolder(folder, listing.entries));
    expect(Object.keys(packed).sort()).toEqual(
      [".gitignore", ".slipwayignore", "empty", "important.log", "inside", "src"]
        .concat(["src/-rf", "src/new\nline", "src/ünïcode – name.js"])
        .sort(),
    );
    expect(packed["src/-rf"]).toMatchObject({ mode: 0o755, uid: 1000, gid: 1000, text: "d" });
    expect(packed["important.log"]).toMatchObject({ mode: 0o644, text: "kept" });
    expect(packed.inside).toMatchObject({ type: "symlink", linkname: "src/-rf" });
  });

  test("of too many files or bytes is refused with what to do", async () => {
    await write({ a: "12345", b: "12345", c: "12345" });
    const limited = (files: number, bytes: number) =>
      listFolder(folder, { obeyRules: true, limits: { files, bytes } });
    await expect(limited(2, 1000)).rejects.toMatchObject({ data: { code: "too_much" } });
    await expect(limited(10, 14)).rejects.toMatchObject({ data: { hint: expect.stringMatching(/ignore/) } });
    expect((await limited(3, 15)).bytes).toBe(15);
  });
});

describe("an archive", () => {
  test.each([
    ["a name that leaves", [{ name: "../evil", text: "x" }]],
    ["an absolute name", [{ name: "/etc/evil", text: "x" }]],
    ["a link out", [{ name: "a", type: "symlink", linkname: "../../etc" }]],
    ["an absolute link", [{ name: "a", type: "symlink", linkname: "/etc" }]],
    ["a hard link", [{ name: "a", type: "link", linkname: "b" }]],
    ["a device", [{ name: "a", type: "character-device", devmajor: 1, devminor: 3 }]],
  ] as const)("with %s is refused", async (_, entries) => {
    const tar = await tarOf(entries as never);
    await expect(inspectTar(await streamOf(tar))).rejects.toMatchObject({ data: { code: "bad_request" } });
    await expect(buffer(checkedTar(await streamOf(tar), "workspace/"))).rejects.toMatchObject({
      data: { code: "bad_request" },
    });
  });

  test("that is cut off or is none is refused, and one too large", async () => {
    const tar = await tarOf([{ name: "a", text: "x".repeat(2000) }]);
    await expect(inspectTar(await streamOf(tar.subarray(0, 1000)))).rejects.toMatchObject({
      data: { code: "bad_request" },
    });
    await expect(inspectTar(await streamOf(Buffer.alloc(2048, 65)))).rejects.toThrow(/archive/);
    const limits = { files: 10, bytes: 1999, archiveBytes: 0, pathLength: 0 } as never;
    await expect(inspectTar(await streamOf(tar), limits)).rejects.toMatchObject({
      data: { code: "too_much" },
    });
  });
});

describe("an uploaded source", () => {
  let server: Server;
  let stored: StoredSource;
  let body: Buffer;
  beforeEach(async () => {
    server = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    body = gzipSync(await tarOf([{ name: "api/server.js", text: "served" }]));
    const { port } = server.address() as AddressInfo;
    const sha256 = createHash("sha256").update(body).digest("hex");
    stored = { state: "ready", url: `http://127.0.0.1:${port}/`, sha256, bytes: body.length };
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const owner = { projectId: "p1", slug: "shop" };
  const open = async () => {
    const sources = await sourcesIn(folder, { source: () => Promise.resolve(stored) });
    return await sources.open(owner, { from: "archive", name: "./app" });
  };
  const left = () => readdir(join(folder, "sources"));

  test("is fetched, found whole, and put below the workspace for its user; nothing stays behind", async () => {
    const source = await open();
    expect([source.has("."), source.has("api"), source.has("web")]).toEqual([true, true, false]);
    const entries = await entriesOf(source.tar());
    expect(entries["workspace/api/server.js"]).toMatchObject({ text: "served", uid: 1000, mode: 0o644 });
    for (const folder of ["workspace", "workspace/api"]) {
      expect(entries[folder]).toMatchObject({ type: "directory", uid: 1000, mode: 0o755 });
    }
    await source.close();
    expect(await left()).toEqual([]);
  });

  test("that is another than was said does not count", async () => {
    body = Buffer.concat([body, Buffer.from("x")]);
    await expect(open()).rejects.toMatchObject({ data: { code: "source_failed" } });
    expect(await left()).toEqual([]);
  });

  test.each(["waiting", "used"] as const)("that is %s says what to do", async (state) => {
    stored = { state };
    await expect(open()).rejects.toMatchObject({
      data: { code: "source_missing", hint: "Upload it: slipway project source shop <folder>" },
    });
  });
});

describe("a repository", () => {
  let server: GitServer;
  let work: number;
  beforeEach(async () => {
    work = 0;
    const repositories = join(folder, "served");
    await makeRepository(join(repositories, "app.git"), [
      { files: { "server.js": "first", "run.sh": "#!/bin/sh" }, tag: "v1", executable: ["run.sh"] },
      { files: { "server.js": "second", "lib/a.js": "a" }, branch: "feature/x" },
    ]);
    server = await gitServer(repositories, { token: "t0ken-of-the-test" });
  });
  afterEach(() => server.close());

  const place = async () => {
    const path = join(folder, `clone-${++work}`);
    await mkdir(path, { mode: 0o700 });
    return path;
  };
  const source = (text: string) => parseSource(text) as GitSource;
  const TOKEN = { GIT_TOKEN: "t0ken-of-the-test" };

  test("is cloned at its default branch, a branch, a tag and a commit", async () => {
    const url = `${server.url}/app.git`;
    const files = async (ref: string) => {
      const at = await cloneInto(await place(), source(`${url}${ref}`), TOKEN);
      return { text: await readFile(join(at, "server.js"), "utf8"), names: (await readdir(at)).sort() };
    };
    expect(await files("")).toEqual({ text: "first", names: [".git", "run.sh", "server.js"] });
    expect(await files("#v1")).toMatchObject({ text: "first" });
    expect(await files("#feature/x")).toMatchObject({ text: "second" });
    expect(await files(`#${server.commit("app.git", "feature/x")}`)).toMatchObject({ text: "second" });
  });

  test("opens as a workspace without .git, with modes kept", async () => {
    const sources = await sourcesIn(folder, { source: () => Promise.reject(new Error("not asked")) });
    const owner = { projectId: "p1", slug: "shop", gitSecrets: TOKEN };
    const opened = await sources.open(owner, { from: "git", url: `${server.url}/app.git`, ref: "feature/x" });
    expect([opened.has("lib"), opened.has("api")]).toEqual([true, false]);
    const entries = await entriesOf(opened.tar());
    expect(Object.keys(entries).sort()).toEqual(
      ["workspace", "workspace/lib", "workspace/lib/a.js", "workspace/run.sh", "workspace/server.js"].sort(),
    );
    expect(entries["workspace/run.sh"]).toMatchObject({ mode: 0o755, uid: 1000 });
    await opened.close();
    const sum = createHash("sha256").update(folder).digest("hex").slice(0, 12);
    expect((await readdir(tmpdir())).filter((name) => name.includes(sum))).toEqual([]);
  });

  test.each([
    ["no token", {}, "/app.git", /GIT_TOKEN/],
    ["a wrong token", { GIT_TOKEN: "wr0ng-token" }, "/app.git", /GIT_TOKEN/],
    ["no such ref", TOKEN, "/app.git#nosuch", /branch, tag or commit/],
    ["no such repository", TOKEN, "/nosuch.git", /source/],
  ])("with %s is refused with what to do, and no secret in it", async (_, secrets, path, hint) => {
    const failure = await cloneInto(await place(), source(server.url + path), secrets).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      data: { code: "source_failed", hint: expect.stringMatching(hint) as string },
    });
    expect(JSON.stringify(failure)).not.toMatch(/t0ken|wr0ng/);
  });

  test("that is silent or too slow is given up", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const limits = { bytes: 1e6, silenceMs: 700, totalMs: 60_000 };
    const call = cloneInto(await place(), source(`http://127.0.0.1:${port}/a.git`), {}, limits);
    await expect(call).rejects.toThrow(/silent for 1 s/);
    silent.closeAllConnections();
    silent.close();
  });

  test("keeps its token off the command line, speaks its own protocol only, and runs no hook", async () => {
    const input = { work: "/w", home: "/h", secrets: TOKEN, keyFile: null };
    const { init, fetch, checkout } = gitCalls(source("https://git.example/a.git#main"), input);
    for (const { args } of [init, fetch, checkout]) {
      expect(args.join(" ")).not.toContain(TOKEN.GIT_TOKEN);
      expect(args).toContain("protocol.allow=never");
      expect(args).toContain("core.hooksPath=/dev/null");
    }
    expect(fetch.args.filter((arg) => /^protocol\..*always$/.test(arg))).toEqual([
      "protocol.https.allow=always",
    ]);
    expect(fetch.args.slice(-3)).toEqual(["--", "https://git.example/a.git", "main"]);
    expect(fetch.env).toMatchObject({ GIT_TERMINAL_PROMPT: "0", SLIPWAY_GIT_TOKEN: TOKEN.GIT_TOKEN });
    expect(Object.values(checkout.env)).not.toContain(TOKEN.GIT_TOKEN);
    const ssh = gitCalls(source("git@git.example:a.git"), { ...input, keyFile: "/h/key" }).fetch;
    expect(ssh.env.GIT_SSH_COMMAND).toContain("'IdentityFile=/h/key'");
    expect(ssh.env.SLIPWAY_GIT_TOKEN).toBeUndefined();
  });

  test("is told without what its server echoes of a secret", () => {
    const said = gitSaid("remote: bad s3cret-x\nfatal: https://u:p@h/ failed\n", ["s3cret-x"]);
    expect(said).toBe("remote: bad … | fatal: https://…@h/ failed");
  });
});
