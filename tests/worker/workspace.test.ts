import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConvexHttpClient } from "convex/browser";
import { WebSocket } from "ws";
import { api } from "../../convex/_generated/api.js";
import type { Status } from "../../core/lifecycle.ts";
import type { RemoteEntry } from "../../scripts/cli/lib/doorClient.ts";
import type { EventView, ProjectView } from "../../scripts/cli/lib/views.ts";
import { backendUrl } from "../../scripts/setup/backendUrl.ts";
import { REPOSITORY } from "../../scripts/setup/dataDir.ts";
import { FRAME, frame, framesOf } from "../../worker/door/execFrames.ts";
import { eventually, TestInstance } from "../firstLight/instance.ts";
import { gitServer, makeRepository, type GitServer } from "../git/gitServer.ts";
import { pack } from "tar-stream";

/** A project's source, files, commands and terminals, with the commands that users type and at the door itself. */

const SERVER = `
const { createServer } = require("node:http");
createServer((_, response) => response.end("from the source")).listen(process.env.PORT);
`;

let slipway: TestInstance;
let folder: string;
let git: GitServer;
/** Where `shop`'s door is: it is told to nobody but Convex. */
let door: string;
let admin: string;
let shop: ProjectView;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-workspace-"));
  await chmod(folder, 0o711);
  await makeRepository(join(folder, "served", "app.git"), [
    { files: { "server.js": SERVER, "lib/a.js": "a" }, tag: "v1" },
  ]);
  git = await gitServer(join(folder, "served"), { token: "t0ken-of-git" });
  slipway = await TestInstance.make();
  await slipway.up();

  const app = join(folder, "app");
  await files(app, {
    "server.js": SERVER,
    ".gitignore": "node_modules\n",
    "node_modules/x.js": "not sent",
    "odd ü/new\nline $(id)": "odd",
  });
  await symlink("/etc/passwd", join(app, "leads-out"));
  await writeFile(join(folder, "slipway.yml"), "name: shop\nstack: node\nsource: ./app\n");
  const made = await slipway.slipway("project", "create", "--file", join(folder, "slipway.yml"));
  expect([made.code, made.stderr]).toEqual([0, expect.stringMatching(/leads-out is left out/)]);
  admin = (await slipway.must("token", "create", "--role", "admin", "--ttl", "1h")).trim();
  convex = new ConvexHttpClient(backendUrl(await slipway.instance()), { auth: admin });
  await move("shop", "planning");
  await slipway.must("transition", "shop", "development", "--wait", "--timeout", "3m");
  shop = await view("shop");
  const { url } = await convex.query(api.workspace.door, { project: shop.namespace });
  door = `${url}/v1/projects/${shop.namespace}/dev`;
});

afterAll(async () => {
  await slipway?.destroy();
  await git?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function files(root: string, contents: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(join(root, path, ".."), { recursive: true });
    await writeFile(join(root, path), content);
  }
}

/** As an admin, for what is asked again and again: each command is a process of its own, which takes a second to start. */
let convex: ConvexHttpClient;

async function move(project: string, to: Status): Promise<void> {
  await convex.mutation(api.projects.updateProjectStatus, { project, to });
}

const view = async (project: string) => (await convex.query(api.projects.getProject, { project }))!;

/** `events --json` prints one a line. */
async function eventsOf(project: string): Promise<EventView[]> {
  const lines = (await slipway.must("events", project, "--json")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as EventView);
}

async function knock(route: string, token: string | null, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(init.headers as object) };
  return await fetch(`${door}/${route}`, { ...init, headers, signal: AbortSignal.timeout(60_000) });
}

const at = (path: string) => `files?path=${encodeURIComponent(path)}`;

/** Runs a command at the door. `onOutput` sees each piece before the next is read. */
async function exec(
  command: string[],
  { stdin = "", leave }: { stdin?: string; leave?: (output: string) => boolean } = {},
): Promise<{ stdout: string; stderr: string; bytes: number; exitCode: number | null }> {
  const request = httpRequest(`${door}/exec`, {
    method: "POST",
    headers: { authorization: `Bearer ${admin}` },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
  });
  request.write(frame(FRAME.start, JSON.stringify({ command })));
  if (leave === undefined) {
    if (stdin !== "") request.write(frame(FRAME.stdin, stdin));
    request.end(frame(FRAME.stdin, ""));
  }
  const done = { stdout: "", stderr: "", bytes: 0, exitCode: null as number | null };
  try {
    const response = await answer;
    if (response.statusCode !== 200) throw new Error((await buffer(response)).toString());
    for await (const { kind, content } of framesOf(response)) {
      if (kind === FRAME.exit)
        done.exitCode = (JSON.parse(content.toString()) as { exitCode: number }).exitCode;
      if (kind === FRAME.stderr) done.stderr += content.toString();
      if (kind !== FRAME.stdout) continue;
      done.bytes += content.length;
      if (done.stdout.length < 10_000) done.stdout += content.toString();
      if (leave?.(done.stdout)) request.destroy();
    }
  } catch (error) {
    if (leave === undefined) throw error;
  }
  return done;
}

describe("a source", () => {
  test("that is a folder is what dev runs, without what is ignored; the uploaded copy is gone", async () => {
    const { httpPort } = await slipway.instance();
    const answer = await fetch(`http://127.0.0.1:${httpPort}/projects/${shop.namespace}/dev/`);
    expect(await answer.text()).toBe("from the source");
    const [entries, events, again] = await Promise.all([
      slipway.json<RemoteEntry[]>("files", "ls", "shop", "-r"),
      eventsOf("shop"),
      slipway.slipway("project", "source", "shop", join(folder, "app")),
    ]);
    expect(entries.map(({ path }) => path)).toEqual([
      ".gitignore",
      "odd ü",
      "odd ü/new\nline $(id)",
      "server.js",
    ]);
    const types = events.map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(["source.attached", "source.released"]));
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/has its source already/)]);
  });

  test("that never came, or cannot be cloned, says so and starts once it can; a token stays unseen", async () => {
    const manifest = join(folder, "cloned.yml");
    await writeFile(manifest, `name: cloned\nstack: node\nsource: ${git.url}/app.git#v1\n`);
    const made = await slipway.slipway("project", "create", "--file", manifest);
    expect([made.code, made.stderr]).toEqual([0, expect.stringMatching(/over http/)]);
    await move("cloned", "planning");
    await move("cloned", "development");
    const reason = async (project: string) => {
      const { environments } = await view(project);
      const dev = environments.find(({ kind }) => kind === "dev")!;
      return dev.conditions.find(({ type }) => type === "Running");
    };
    const refused = await eventually("a clone without a token is refused", async () => {
      const condition = await reason("cloned");
      return condition?.reason === "SourceFailed" && condition;
    });
    expect(refused.message).toMatch(/GIT_TOKEN/);
    await secret("cloned", "GIT_TOKEN", "t0ken-of-git");
    await eventually(
      "dev runs on the clone",
      async () => (await reason("cloned"))?.status === "true",
      120_000,
    );
    const variables = await slipway.must(
      "exec",
      "cloned",
      "dev",
      "--",
      "sh",
      "-c",
      "env; cat lib/a.js; ls -a",
    );
    expect(variables).not.toMatch(/t0ken|GIT_TOKEN/);
    expect(variables).toMatch(/\na.*server\.js/s);
    expect(variables).not.toMatch(/^\.git$/m);
    await slipway.must("project", "delete", "cloned", "--yes", "--wait");
  });
});

async function secret(project: string, name: string, value: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(REPOSITORY, "scripts/slipway.mjs"), "secret", "set", project, name],
    {
      env: slipway.env,
      stdio: ["pipe", "ignore", "inherit"],
    },
  );
  child.stdin.end(value);
  const code = await new Promise((resolve) => child.once("close", resolve));
  expect(code).toBe(0);
}

describe("files", () => {
  test("go in and come out as they are, whatever they are called and hold", async () => {
    const bytes = randomBytes(300_000);
    const names = ["-rf", "a b", "quote'\"$(id)`id`", "new\nline", "ünïcode ☃", "deep/er/still"];
    for (const name of names) {
      const put = await knock(`${at(`odd/${name}`)}&mode=755`, admin, { method: "PUT", body: bytes });
      expect([name, put.status, await put.json()]).toEqual([name, 200, { bytes: bytes.length }]);
      const got = await knock(at(`odd/${name}`), admin);
      expect([name, got.headers.get("x-slipway-mode")]).toEqual([name, "755"]);
      expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
    }
    const { hashes } = (await (
      await knock("hashes", admin, {
        method: "POST",
        body: JSON.stringify({ paths: ["odd/new\nline", "nosuch"] }),
      })
    ).json()) as { hashes: unknown };
    expect(hashes).toEqual([createHash("sha256").update(bytes).digest("hex"), null]);
    await slipway.must("files", "get", "shop", "odd", join(folder, "copy"));
    for (const name of names) expect((await readFile(join(folder, "copy", name))).equals(bytes)).toBe(true);
    expect(await slipway.must("files", "cat", "shop", "server.js")).toBe(SERVER);
    await slipway.must("files", "rm", "shop", "odd");
    expect((await slipway.slipway("files", "ls", "shop", "odd")).code).toBe(1);
  });

  test("sync sends only what differs, removes only where it is asked to, and belong to the project", async () => {
    const root = join(folder, "app");
    const sync = (...more: string[]) =>
      slipway.json<{ uploaded: string[]; removed: string[]; unchanged: number }>(
        "files",
        "sync",
        "shop",
        root,
        ...more,
      );
    expect(await sync()).toMatchObject({ uploaded: [], removed: [], unchanged: 4 });
    await files(root, { "server.js": `${SERVER}// changed`, "new/file.txt": "new" });
    await slipway.must(
      "exec",
      "shop",
      "dev",
      "--",
      "sh",
      "-c",
      "mkdir node_modules; echo > node_modules/own; echo > stale",
    );
    expect(await sync()).toMatchObject({ uploaded: ["new/file.txt", "server.js"], removed: [] });
    expect(await sync("--delete")).toMatchObject({ uploaded: [], removed: ["stale"] });
    const listed = await slipway.must(
      "exec",
      "shop",
      "dev",
      "--",
      "sh",
      "-c",
      "ls node_modules; stat -c '%u %a' new new/file.txt",
    );
    expect(listed).toBe("own\n1000 755\n1000 644\n");
  });

  test("can be reached while the project is paused, where commands cannot run", async () => {
    await slipway.must("transition", "shop", "paused", "--wait");
    expect(await slipway.must("files", "cat", "shop", "new/file.txt")).toBe("new");
    const ran = await slipway.slipway("exec", "shop", "dev", "--", "true");
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(/does not run: it is exited/)]);
    await slipway.must("transition", "shop", "development", "--wait");
  });
});

describe("a command", () => {
  test("has its input, both outputs and its exit code, as the service's user", async () => {
    expect(
      await exec(["sh", "-c", "cat; id -u; pwd; echo wrong >&2; exit 7"], { stdin: "typed\n" }),
    ).toMatchObject({
      ...{ stdout: "typed\n1000\n/workspace\n", stderr: "wrong\n", exitCode: 7 },
    });
    expect(await exec(["sh", "-c", "kill -9 $$"])).toMatchObject({ exitCode: 137 });
    expect(await exec(["no-such-program"])).toMatchObject({ stdout: "", exitCode: 126 });
    const { code, stdout, stderr } = await slipway.slipway(
      "exec",
      "shop",
      "dev",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; exit 3",
    );
    expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
  });

  test("writes no faster than it is read: 50 MB leave the worker as large as it was", async () => {
    const worker = await slipway.pidOf("worker");
    const resident = async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${worker}/status`, "utf8"))![1]) / 1024;
    const before = await resident();
    const { bytes, exitCode } = await exec(["head", "-c", "52428800", "/dev/zero"]);
    expect([bytes, exitCode]).toEqual([52_428_800, 0]);
    expect((await resident()) - before).toBeLessThan(120);
  });

  test("ends with all that it started when its caller leaves", async () => {
    const script = "trap '' TERM; sleep 7001 & setsid sleep 7002 & echo started; wait; sleep 7003";
    await exec(["sh", "-c", script], { leave: (output) => output.includes("started") });
    await eventually("nothing of it is left", async () => {
      const { stdout } = await exec(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]);
      return !/sleep 700[123] /.test(stdout.replace(/sh -c cat.*$/, ""));
    });
  });
});

describe("a terminal", () => {
  test("has a size that changes, takes what is typed, and gives the exit code", async () => {
    const socket = new WebSocket(`${door.replace(/^http/, "ws")}/terminal`);
    let shown = "";
    let end: unknown;
    const start = { type: "start", token: admin, command: ["sh"], columns: 91, rows: 33 };
    socket.on("open", () => socket.send(JSON.stringify(start)));
    const type = (text: string) => socket.send(Buffer.from(text));
    const steps: [RegExp, () => void][] = [
      [/\$/, () => type("stty size\n")],
      [/33 91/, () => socket.send(JSON.stringify({ type: "resize", columns: 120, rows: 40 }))],
    ];
    socket.on("message", (data: Buffer, isBinary) => {
      if (!isBinary) return void (end = JSON.parse(data.toString()));
      shown += data.toString();
      if (steps[0]?.[0].test(shown)) steps.shift()![1]();
    });
    // The shell is asked until the terminal has its new size: the message and the question go different ways.
    await eventually("the first size", async () => /33 91/.test(shown));
    await eventually("the second size", async () => {
      type("stty size\n");
      return /40 120/.test(shown);
    });
    type("exit 5\n");
    await eventually("the end", async () => end !== undefined);
    expect(end).toEqual({ type: "exit", exitCode: 5 });
  });
});

describe("nobody comes in", () => {
  const refusal = async (answer: Response) => {
    const { error } = (await answer.json()) as { error: { code: string } };
    return [answer.status, error.code];
  };

  test("without a token, with another project's, or beyond what theirs may do", async () => {
    const token = async (...args: string[]) =>
      (await slipway.must("token", "create", "--ttl", "10m", ...args)).trim();
    const verbs = ["--verb", "read", "files.read", "exec"];
    const [viewer, stranger] = await Promise.all([
      token("--role", "viewer"),
      token("--role", "agent", "--project", "hello", ...verbs),
    ]);
    const put = { method: "PUT", body: "x" };
    expect(await refusal(await knock(at("."), null))).toEqual([401, "unauthenticated"]);
    expect(await refusal(await knock(at("."), "x".repeat(40)))).toEqual([401, "unauthenticated"]);
    expect((await knock(at("server.js"), viewer)).status).toBe(200);
    expect(await refusal(await knock(at("x"), viewer, put))).toEqual([403, "forbidden"]);
    expect(await refusal(await knock(at("."), stranger))).toEqual([404, "not_found"]);
    expect(await refusal(await knock(at("x"), stranger, put))).toEqual([403, "forbidden"]);
    const page = { headers: { origin: "https://evil.example" } };
    expect(await refusal(await knock(at("."), admin, page))).toEqual([403, "forbidden"]);
  });

  test("to what is not the workspace's, by a path, a link or an archive", async () => {
    for (const path of ["../etc/passwd", "a/../../etc/passwd", "/etc/passwd"]) {
      expect([path, ...(await refusal(await knock(at(path), admin)))]).toEqual([path, 400, "bad_request"]);
    }
    await exec(["sh", "-c", "ln -s /etc out; ln -s /etc/passwd passwd; ln -s / root"]);
    for (const path of ["out", "out/passwd", "passwd", "root/etc/passwd"]) {
      expect([path, ...(await refusal(await knock(at(path), admin)))]).toEqual([path, 403, "forbidden"]);
    }
    expect(await refusal(await knock(at("out/x"), admin, { method: "PUT", body: "x" }))).toEqual([
      403,
      "forbidden",
    ]);
    for (const [name, more] of [
      ["../evil", {}],
      ["/etc/evil", {}],
      ["link", { type: "symlink" as const, linkname: "/etc/passwd" }],
    ] as const) {
      const tar = pack();
      tar.entry({ name, ...more }, "");
      tar.finalize();
      const body = await buffer(tar as unknown as NodeJS.ReadableStream);
      const answer = await knock("archive?path=.", admin, { method: "POST", body: new Uint8Array(body) });
      expect([name, ...(await refusal(answer))]).toEqual([name, 400, "bad_request"]);
    }
  });

  test("without being seen: programs and paths are recorded, arguments and contents are not", async () => {
    await exec(["sh", "-c", "echo s3cret-argument"]);
    await knock(at("note.txt"), admin, { method: "PUT", body: "s3cret-content" });
    const events = await eventsOf("shop");
    const messages = events.filter(({ type }) => type.startsWith("workspace.")).map(({ message }) => message);
    expect(messages).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/ ran sh in shop dev/),
        expect.stringMatching(/note\.txt/),
      ]),
    );
    expect(JSON.stringify(events)).not.toMatch(/s3cret/);
  });
});
