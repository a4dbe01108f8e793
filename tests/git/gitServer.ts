import { execFileSync, spawn } from "node:child_process";
import { chmodSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real git server on loopback: git's own http-backend behind a small HTTP server, with a token for its password. */

export type GitServer = {
  url: string;
  commit(repository: string, ref: string): string;
  close(): Promise<void>;
};

export type Commit = {
  files: Record<string, string>;
  tag?: string;
  branch?: string;
  executable?: string[];
};

const IDENTITY = {
  ...process.env,
  GIT_AUTHOR_NAME: "t",
  GIT_AUTHOR_EMAIL: "t@example.com",
  GIT_COMMITTER_NAME: "t",
  GIT_COMMITTER_EMAIL: "t@example.com",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, { cwd, env: IDENTITY, encoding: "utf8", timeout: 60_000 }).trim();
}

/** Makes the bare repository `path`; its default branch is `main`, and a commit with a branch is on that one only. */
export async function makeRepository(path: string, commits: Commit[]): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "slipway-git-"));
  git(work, "init", "-q", "-b", "main");
  for (const { files, tag, branch, executable = [] } of commits) {
    if (branch !== undefined) git(work, "checkout", "-q", "-b", branch);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(work, name, ".."), { recursive: true });
      await writeFile(join(work, name), text);
      if (executable.includes(name)) chmodSync(join(work, name), 0o755);
    }
    git(work, "add", "-A");
    git(work, "commit", "-q", "-m", "x");
    if (tag !== undefined) git(work, "tag", tag);
  }
  git(work, "checkout", "-q", "main");
  await mkdir(path, { recursive: true });
  git(work, "clone", "-q", "--bare", work, path);
  git(path, "config", "uploadpack.allowReachableSHA1InWant", "true");
  await rm(work, { recursive: true, force: true });
}

/** Serves the repositories in `root` to whoever brings `token` as the password. */
export async function gitServer(root: string, { token }: { token?: string } = {}): Promise<GitServer> {
  const server = createServer((request, response) => {
    const given = request.headers.authorization?.replace(/^Basic /, "") ?? "";
    const password = Buffer.from(given, "base64").toString().split(":").slice(1).join(":");
    if (token !== undefined && password !== token) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const url = new URL(request.url ?? "/", "http://localhost");
    const backend = spawn("git", ["http-backend"], {
      env: {
        ...IDENTITY,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        REMOTE_ADDR: "127.0.0.1",
      },
    });
    request.pipe(backend.stdin);
    backend.stdin.on("error", () => {});
    let head = Buffer.alloc(0);
    let answered = false;
    backend.stdout.on("data", (chunk: Buffer) => {
      if (answered) return void response.write(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      answered = true;
      let status = 200;
      for (const line of head.subarray(0, end).toString().split("\r\n")) {
        const colon = line.indexOf(":");
        const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
        if (name.toLowerCase() === "status") status = Number(value.split(" ")[0]);
        else response.setHeader(name, value);
      }
      response.writeHead(status);
      response.write(head.subarray(end + 4));
    });
    backend.once("close", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    commit: (repository, ref) => git(join(root, repository), "rev-parse", ref),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
