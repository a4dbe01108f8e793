import { spawn } from "node:child_process";
import { chown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";
import { SOURCE_LIMITS } from "../../core/source.ts";
import { gitCalls, gitSaid, type GitCall, type GitSource } from "./gitCommand.ts";

export type CloneLimits = {
  /** Of the packed objects, while they come. */
  bytes: number;
  /** ms without a word of git's after which it counts as dead. */
  silenceMs: number;
  totalMs: number;
};

const LIMITS: CloneLimits = { bytes: SOURCE_LIMITS.bytes, silenceMs: 60_000, totalMs: 15 * 60_000 };
const WATCH_MS = 500;
const KILL_AFTER_MS = 2_000;
const MOST_OUTPUT = 64 * 1024;

/** Whom git runs as where the worker is root: for ssh a user that the machine has a name for, as ssh asks. */
const UNPRIVILEGED = { https: 65533, http: 65533, ssh: 65534 };

/**
 * Brings the files of one commit into `<folder>/work`. `folder` is empty, the worker's own (0700), and removed by the
 * caller. A worker that is root runs git as a user that owns nothing else.
 * @param secrets the project's GIT_TOKEN, GIT_USERNAME and GIT_SSH_KEY
 * @throws SlipwayError `source_failed`, saying what git said without any secret, and what to do
 */
export async function cloneInto(
  folder: string,
  source: GitSource,
  secrets: Readonly<Record<string, string>>,
  limits: CloneLimits = LIMITS,
): Promise<string> {
  const user = process.getuid?.() === 0 ? UNPRIVILEGED[source.scheme] : null;
  const [work, home] = [join(folder, "work"), join(folder, "home")];
  const own = async (path: string) => {
    if (user !== null) await chown(path, user, user);
  };
  for (const path of [work, home]) {
    await mkdir(path, { mode: 0o700 });
    await own(path);
  }
  await own(folder);
  const key = secrets.GIT_SSH_KEY;
  const keyFile = key === undefined || source.scheme !== "ssh" ? null : join(home, "key");
  if (keyFile !== null) {
    await writeFile(keyFile, `${key!.trim()}\n`, { mode: 0o600 });
    await own(keyFile);
  }
  const calls = gitCalls(source, { work, home, secrets, keyFile });
  const run = new GitRun(source, work, user, Object.values(secrets), limits);
  await run.git(calls.init);
  await run.git(calls.fetch);
  await run.git(calls.checkout);
  return work;
}

class GitRun {
  private readonly endsAt: number;

  constructor(
    private readonly source: GitSource,
    private readonly work: string,
    private readonly user: number | null,
    private readonly secrets: string[],
    private readonly limits: CloneLimits,
  ) {
    this.endsAt = Date.now() + limits.totalMs;
  }

  async git({ args, env }: GitCall): Promise<void> {
    const child = spawn("git", args, {
      env,
      cwd: this.work,
      stdio: ["ignore", "ignore", "pipe"],
      // A group of its own: git's helpers go with it.
      detached: true,
      ...(this.user === null ? {} : { uid: this.user, gid: this.user }),
    });
    let output = "";
    let ended: string | null = null;
    let heardAt = Date.now();
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      heardAt = Date.now();
      output = (output + text).slice(-MOST_OUTPUT);
    });
    const end = (why: string) => {
      ended ??= why;
      killGroup(child.pid, "SIGTERM");
      setTimeout(() => killGroup(child.pid, "SIGKILL"), KILL_AFTER_MS).unref();
    };
    const watch = setInterval(() => {
      const now = Date.now();
      if (now > this.endsAt) end(`it took longer than ${Math.round(this.limits.totalMs / 60_000)} minutes`);
      else if (now - heardAt > this.limits.silenceMs)
        end(`it was silent for ${Math.round(this.limits.silenceMs / 1000)} s`);
      else
        void packedBytes(this.work).then((bytes) => {
          if (bytes > this.limits.bytes)
            end(`it is larger than ${Math.round(this.limits.bytes / 1024 ** 2)} MiB`);
        });
    }, WATCH_MS);
    const outcome = await new Promise<number | Error>((resolve) => {
      child.once("error", resolve);
      child.once("close", (code) => resolve(code ?? -1));
    });
    clearInterval(watch);
    if (outcome === 0 && ended === null) return;
    throw this.failed(outcome, ended, output);
  }

  private failed(outcome: number | Error, ended: string | null, output: string): SlipwayError {
    const { url, ref, scheme } = this.source;
    const of = `${url}${ref === null ? "" : ` at ${ref}`}`;
    if (outcome instanceof Error && (outcome as NodeJS.ErrnoException).code === "ENOENT") {
      return new SlipwayError({
        code: "source_failed",
        message: `The source ${of} cannot be cloned: this host has no git.`,
        hint: "Install it on the worker's machine (apt-get install git); the worker tries again by itself.",
      });
    }
    const said = outcome instanceof Error ? outcome.message : gitSaid(output, this.secrets);
    return new SlipwayError({
      code: "source_failed",
      message: `The source ${of} could not be cloned: ${ended ?? (said || `git ended with ${String(outcome)}`)}.`,
      hint: hintFor(said, scheme),
    });
  }
}

function hintFor(said: string, scheme: GitSource["scheme"]): string {
  if (/could not read Username|Authentication failed|403|401|Permission denied|publickey/i.test(said)) {
    const secret = scheme === "ssh" ? "GIT_SSH_KEY, a private key" : "GIT_TOKEN, a token that may read it";
    return `Set the project's secret ${secret}: slipway secret set <project> ${secret.split(",")[0]}`;
  }
  if (/couldn't find remote ref|unadvertised object|not our ref/i.test(said)) {
    return "Check the branch, tag or commit after the # in the manifest's source.";
  }
  return "Check the manifest's source and that this machine reaches it; the worker tries again by itself.";
}

/** Bytes of packs and loose objects so far; what goes while it is looked at does not count. */
async function packedBytes(work: string): Promise<number> {
  const folder = join(work, ".git", "objects", "pack");
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
