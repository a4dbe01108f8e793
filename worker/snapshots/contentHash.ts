import { createHash } from "node:crypto";

/** What a workspace holds, whoever wrote it when: the hash names a snapshot, the rest is for people. */
export type Content = {
  /** SHA-256 in hex. */
  hash: string;
  files: number;
  bytes: number;
};

type Listed = { type: "file" | "directory" | "symlink"; mode: number; value: string };

/** Names the way in which entries are hashed, so that another way gives other hashes. */
const SCHEME = "slipway snapshot 1\n";

/**
 * The hash of a tree of files: over (path, type, mode, content or link target), sorted by path. Owner, times and the
 * order in which entries come do not matter, and a hard link counts as the file that it is.
 */
export class ContentHash {
  private readonly entries = new Map<string, Listed>();
  private readonly hardLinks = new Map<string, string>();
  private bytes = 0;

  get size(): number {
    return this.entries.size + this.hardLinks.size;
  }

  /** @param digest SHA-256 of the content, in hex */
  addFile(path: string, mode: number, bytes: number, digest: string): void {
    this.bytes += bytes;
    this.entries.set(path, { type: "file", mode, value: digest });
  }

  addDirectory(path: string, mode: number): void {
    this.entries.set(path, { type: "directory", mode, value: "" });
  }

  /** What Linux says of a symbolic link's mode means nothing. */
  addSymlink(path: string, target: string): void {
    this.entries.set(path, { type: "symlink", mode: 0, value: target });
  }

  addHardLink(path: string, target: string): void {
    this.hardLinks.set(path, target);
  }

  /** @throws Error where a hard link leads to nothing that was added */
  result(): Content {
    const all = new Map(this.entries);
    for (const [path, target] of this.hardLinks) {
      const linked = this.entries.get(target);
      if (!linked) throw new Error(`The hard link ${path} leads to ${target}, which is not among the files.`);
      all.set(path, linked);
    }
    const hash = createHash("sha256").update(SCHEME);
    let files = 0;
    for (const path of [...all.keys()].sort(byCodeUnits)) {
      const { type, mode, value } = all.get(path)!;
      if (type !== "directory") files += 1;
      hash.update(`${type} ${mode.toString(8)}\0${path}\0${value}\0`);
    }
    return { hash: hash.digest("hex"), files, bytes: this.bytes };
  }
}

function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
