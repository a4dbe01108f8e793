import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SlipwayError } from "../../core/errors.ts";
import { SOURCE_LIMITS } from "../../core/source.ts";
import { workspacePath } from "../../core/workspacePath.ts";
import type { ExecEngine } from "../engine/execEngine.ts";
import { checkedTar, inspectTar, type Contents } from "../sources/checkedTar.ts";
import type { FileContainers } from "./fileContainers.ts";
import { RunningScript } from "./runScript.ts";
import { COMMIT, DISCARD, HASHES, LINKS, LOOK, PACK, RECEIVE, REMOVE } from "./workspaceScripts.ts";

export type WorkspaceEntry = {
  /** Relative to the workspace. */
  path: string;
  kind: "file" | "folder" | "link" | "other";
  bytes: number;
  /** Permissions, like 0o644. */
  mode: number;
  modifiedMs: number;
  /** What a link says. */
  target?: string;
};

export type Looked =
  | { kind: "folder"; entries: WorkspaceEntry[] }
  | { kind: "file"; entry: WorkspaceEntry; content: AsyncIterable<Buffer> };

export const FILE_LIMITS = {
  entries: SOURCE_LIMITS.files,
  fileBytes: SOURCE_LIMITS.bytes,
  paths: 20_000,
} as const;

/** One workspace's files. Every path is checked, and whatever it leads to is looked at inside a file container only. */
export class WorkspaceFiles {
  /** @param spool a folder of the worker's own, for what is on its way in */
  constructor(
    private readonly engine: ExecEngine,
    private readonly containers: FileContainers,
    private readonly volume: string,
    private readonly spool: string,
  ) {}

  /** Gives `take` what is at `path`: a folder's entries, or a file to be read while `take` runs. */
  async look<T>(path: string, all: boolean, take: (found: Looked) => Promise<T>): Promise<T> {
    const at = workspacePath(path);
    return await this.containers.use(this.volume, async (container) => {
      const script = await RunningScript.start(
        this.engine,
        container,
        [LOOK, inside(at), all ? "all" : ""],
        at,
      );
      await script.feed([]);
      const output = records(script.output());
      const head = await output.record();
      if (head?.startsWith("f ")) {
        return await take({ kind: "file", entry: entryOf(at, head.slice(2)), content: output.rest() });
      }
      const entries = await listing(output, at);
      await this.addLinks(container, entries);
      return await take({ kind: "folder", entries });
    });
  }

  /** @returns for each path the SHA-256 of the file there in hex, or null where there is none */
  async hashes(paths: readonly string[]): Promise<(string | null)[]> {
    if (paths.length > FILE_LIMITS.paths) throw tooMany();
    const safe = paths.map(workspacePath);
    return await this.containers.use(this.volume, async (container) => {
      const found = await this.each(container, HASHES, safe);
      return safe.map((_, index) => found[index] || null);
    });
  }

  /**
   * Writes one file: whole, or not at all. Folders on the way are made.
   * @param mode null: as the file was, or 0644
   */
  async write(path: string, content: Readable, mode: number | null): Promise<{ bytes: number }> {
    const at = workspacePath(path);
    if (at === ".") throw refusedTop();
    const folder = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : ".";
    const name = `./${at.slice(at.lastIndexOf("/") + 1)}`;
    const received = `./.slipway-${randomBytes(8).toString("hex")}`;
    return await this.containers.use(this.volume, async (container) => {
      const run = async (script: string, ...args: string[]) =>
        await RunningScript.start(this.engine, container, [script, inside(folder), received, ...args], at);
      try {
        const measured = new Measured(FILE_LIMITS.fileBytes);
        const receiving = await run(RECEIVE);
        await Promise.all([receiving.ended(), receiving.feed(content.pipe(measured, { end: true }))]);
        if (!content.readableEnded) throw cutOff();
        const committing = await run(COMMIT, name, mode === null ? "" : mode.toString(8));
        await committing.feed([]);
        await committing.ended();
        return { bytes: measured.bytes };
      } catch (error) {
        await run(DISCARD)
          .then(async (script) => {
            await script.feed([]);
            await script.ended();
          })
          .catch(() => {});
        throw error;
      }
    });
  }

  /** Removes files and folders with all that is in them; what is not there is gone already. */
  async remove(paths: readonly string[]): Promise<void> {
    if (paths.length > FILE_LIMITS.paths) throw tooMany();
    const safe = paths.map(workspacePath);
    if (safe.includes(".")) throw refusedTop();
    await this.containers.use(this.volume, async (container) => {
      await this.each(container, REMOVE, safe);
    });
  }

  /** Unpacks a tar below `path`, once all of it has arrived and nothing in it leads out. */
  async unpack(path: string, tar: Readable): Promise<Contents> {
    const at = workspacePath(path);
    await mkdir(this.spool, { recursive: true, mode: 0o700 });
    const file = join(this.spool, `in-${randomBytes(8).toString("hex")}`);
    try {
      // A tar is larger than what it holds, by less than this.
      await pipeline(tar, new Measured(SOURCE_LIMITS.bytes * 1.5), createWriteStream(file, { mode: 0o600 }));
      const contents = await inspectTar(createReadStream(file));
      const prefix = at === "." ? "" : `${at}/`;
      await this.containers.use(this.volume, async (container) => {
        // At the volume's own top, which nobody can exchange for a link.
        await this.engine.mergeArchive(container, "/workspace", checkedTar(createReadStream(file), prefix));
      });
      return contents;
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Gives `take` a tar of what is at `path`, to be read while `take` runs. */
  async pack<T>(path: string, take: (tar: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
    const at = workspacePath(path);
    return await this.containers.use(this.volume, async (container) => {
      const script = await RunningScript.start(this.engine, container, [PACK, inside(at)], at);
      await script.feed([]);
      return await take(script.output());
    });
  }

  private async addLinks(container: string, entries: WorkspaceEntry[]): Promise<void> {
    const links = entries.filter(({ kind }) => kind === "link");
    if (links.length === 0) return;
    const targets = await this.each(
      container,
      LINKS,
      links.map(({ path }) => path),
    );
    for (const [index, link] of links.entries()) link.target = targets[index] ?? "";
  }

  /** @returns the records that `script` writes, given these paths */
  private async each(container: string, script: string, paths: readonly string[]): Promise<string[]> {
    const running = await RunningScript.start(this.engine, container, [script], "the workspace");
    const input = paths.map((path) => `${inside(path)}\0`);
    const output = records(running.output());
    const found: string[] = [];
    const read = async () => {
      for (let record = await output.record(); record !== null; record = await output.record())
        found.push(record);
    };
    await Promise.all([running.feed(input), read()]);
    return found;
  }
}

function inside(path: string): string {
  return `./${path}`;
}

/** Reads text that ends with NULs, and then whatever else comes. */
function records(source: AsyncGenerator<Buffer>): {
  record(): Promise<string | null>;
  rest(): AsyncGenerator<Buffer>;
} {
  let held: Buffer = Buffer.alloc(0);
  return {
    async record() {
      let from = 0;
      for (;;) {
        const end = held.indexOf(0, from);
        if (end >= 0) {
          const text = held.subarray(0, end).toString("utf8");
          held = held.subarray(end + 1);
          return text;
        }
        from = held.length;
        const { done, value } = await source.next();
        if (done) return null;
        held = Buffer.concat([held, value]);
      }
    },
    async *rest() {
      if (held.length > 0) yield held;
      yield* source;
    },
  };
}

async function listing(output: ReturnType<typeof records>, at: string): Promise<WorkspaceEntry[]> {
  const entries: WorkspaceEntry[] = [];
  const below = at === "." ? "" : `${at}/`;
  let names: string[] = [];
  for (let record = await output.record(); record !== null; record = await output.record()) {
    if (record !== "") {
      names.push(record);
      continue;
    }
    const stats = ((await output.record()) ?? "").split("\n");
    for (const [index, name] of names.entries()) {
      entries.push(entryOf(below + name.replace(/^\.\//, ""), stats[index] ?? ""));
    }
    if (entries.length > FILE_LIMITS.entries) throw tooMany();
    names = [];
  }
  return entries.sort((one, other) => (one.path < other.path ? -1 : 1));
}

const KINDS: Record<number, WorkspaceEntry["kind"]> = {
  0o100000: "file",
  0o040000: "folder",
  0o120000: "link",
};

/** @param stat mode in hex, bytes, and seconds since 1970 */
function entryOf(path: string, stat: string): WorkspaceEntry {
  const [mode = "0", bytes = "0", seconds = "0"] = stat.split(" ");
  const bits = parseInt(mode, 16);
  const kind = KINDS[bits & 0o170000] ?? "other";
  return { path, kind, bytes: Number(bytes), mode: bits & 0o7777, modifiedMs: Number(seconds) * 1000 };
}

class Measured extends Transform {
  bytes = 0;

  constructor(most: number) {
    super({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.length;
        done(this.bytes > most ? tooLarge(most) : null, chunk);
      },
    });
  }
}

function tooLarge(most: number): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `More than ${Math.round(most / 1024 ** 2)} MiB were sent.`,
    hint: "Send less at once.",
  });
}

function tooMany(): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `These are more files than can be told at once (${FILE_LIMITS.entries}, or ${FILE_LIMITS.paths} paths).`,
    hint: "Name a folder below.",
  });
}

function refusedTop(): SlipwayError {
  return new SlipwayError({
    code: "bad_request",
    message: "The workspace itself can be neither written nor removed.",
    path: "path",
    hint: "Name a file or a folder in it.",
  });
}

function cutOff(): SlipwayError {
  return new SlipwayError({
    code: "bad_request",
    message: "What was sent ended too early; nothing was written.",
    hint: "Send it again.",
  });
}
