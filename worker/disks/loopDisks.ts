import { readdirSync, readFileSync, statfsSync } from "node:fs";
import {
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../engine/engineError.ts";
import { pause, realClock } from "../clock.ts";
import type { Disks } from "./disks.ts";
import { isShared, mountPoints } from "./mountTable.ts";
import { runProgram, type RunProgram } from "./runProgram.ts";

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,200}$/;
const UNPRIVILEGED = { uid: 1000, gid: 1000 };
/** What a disk must survive without an owner in Docker: making it and making the volume are two steps. */
const GRACE_MS = 600_000;
const RELEASED_WITHIN_MS = 5_000;
const MOUNT_OPTIONS = "nosuid,nodev,discard";
/** One program for both steps: a large process takes longer to start one than these two take together. */
const MAKE_AND_MOUNT = `
mkfs.ext4 -q -F -m 0 -E lazy_itable_init=1,lazy_journal_init=1 "$1"
mount -t ext4 -o "$2,loop" "$1" "$3"
`;
const BLOCK_DEVICES = "/sys/block";

/**
 * Disks as sparse ext4 images in the data directory, loop-mounted. Of each volume there is a folder with
 * - `image.ext4`, the filesystem;
 * - `mount/`, where it is mounted, and in it `data/`, which the volume binds. A bound directory that exists only on the
 *   mounted filesystem means that a container cannot start while it is not mounted, rather than write to the host's disk;
 * - `size`, written last: how large the filesystem was meant to be when it was finished.
 */
export class LoopDisks implements Disks {
  readonly folder: string;
  private readonly run: RunProgram;
  /** Only this process changes them. */
  private readonly sizes = new Map<string, number>();

  constructor(dataDir: string, run: RunProgram = runProgram) {
    this.folder = join(dataDir, "volumes");
    this.run = run;
  }

  async make(volume: string, sizeBytes: number): Promise<string> {
    await this.remove(volume);
    await mkdir(this.of(volume, "mount"), { recursive: true, mode: 0o700 });
    const image = this.of(volume, "image.ext4");
    await this.resizeFile(image, sizeBytes);
    await this.share();
    await this.run("sh", ["-ec", MAKE_AND_MOUNT, "make", image, MOUNT_OPTIONS, this.of(volume, "mount")]);
    const data = this.of(volume, "mount", "data");
    await mkdir(data, { recursive: true, mode: 0o755 });
    await chown(data, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
    await this.noteSize(volume, sizeBytes);
    return data;
  }

  async grow(volume: string, sizeBytes: number): Promise<"grown" | "unchanged"> {
    const size = await this.sizeOf(volume, this.of(volume, "mount", "data"));
    if (size === null) throw new EngineError("not_found", `The volume ${volume} has no disk of its own.`);
    if (sizeBytes <= size) return "unchanged";
    const image = this.of(volume, "image.ext4");
    await this.unmount(volume);
    // Another mount of it, wherever that is, and a change of the image behind its back would destroy it.
    await this.released(volume);
    await this.resizeFile(image, sizeBytes);
    await this.check(image);
    await this.run("resize2fs", [image]);
    await this.mount(volume);
    await this.noteSize(volume, sizeBytes);
    return "grown";
  }

  async remove(volume: string): Promise<void> {
    this.sizes.delete(volume);
    await this.unmount(volume);
    await rm(this.of(volume), { recursive: true, force: true });
  }

  async sizeOf(volume: string, directory: string): Promise<number | null> {
    if (!VOLUME_NAME.test(volume) || directory !== this.of(volume, "mount", "data")) return null;
    const known = this.sizes.get(volume);
    if (known !== undefined) return known;
    const text = await readFile(this.of(volume, "size"), "utf8").catch(() => "");
    if (!/^\d+$/.test(text)) return null;
    this.sizes.set(volume, Number(text));
    return Number(text);
  }

  /** Bytes that a volume's disk holds; null where it has none that is mounted. Answered by the kernel at once. */
  usedBytes(volume: string): number | null {
    try {
      const { blocks, bfree, bsize } = statfsSync(this.of(volume, "mount", "data"));
      return (blocks - bfree) * bsize;
    } catch {
      return null;
    }
  }

  /**
   * Mounts what is not mounted (after the machine started), and removes what no volume uses any more, once it is old
   * enough that nobody can be about to use it.
   * @param volumesThere the names of Docker's volumes, asked for after the disks were listed
   * @returns what was done, each a sentence
   */
  async tend(volumesThere: () => Promise<ReadonlySet<string>>, graceMs = GRACE_MS): Promise<string[]> {
    const folders = await readdir(this.folder).catch(() => []);
    if (folders.length === 0) return [];
    const volumes = await volumesThere();
    const mounted = new Set(await mounts());
    const done: string[] = [];
    for (const volume of folders) {
      if (volumes.has(volume)) {
        if (mounted.has(this.of(volume, "mount"))) continue;
        await this.mount(volume);
        done.push(`Mounted the disk of ${volume}.`);
      } else if (Date.now() - (await changedAt(this.of(volume))) >= graceMs) {
        await this.remove(volume);
        done.push(`Removed the disk of ${volume}, which no volume uses.`);
      }
    }
    return done;
  }

  /** Removes every disk there is: for whoever removes everything. */
  async removeAll(): Promise<void> {
    for (const volume of await readdir(this.folder).catch(() => [])) await this.remove(volume);
    await this.unmountAll(this.folder);
  }

  private of(volume: string, ...path: string[]): string {
    if (!VOLUME_NAME.test(volume)) throw new EngineError("refused", `${volume} is no volume's name.`);
    return join(this.folder, volume, ...path);
  }

  private async mount(volume: string): Promise<void> {
    const [image, at] = [this.of(volume, "image.ext4"), this.of(volume, "mount")];
    if ((await mounts()).includes(at)) return;
    await this.share();
    const attempt = async () => {
      // Two loop devices of one image would be two filesystems that overwrite each other.
      const [device] = await this.loopDevices(image);
      const options = `${MOUNT_OPTIONS}${device === undefined ? ",loop" : ""}`;
      await this.run("mount", ["-t", "ext4", "-o", options, device ?? image, at]);
    };
    try {
      await attempt();
    } catch (error) {
      if (error instanceof EngineError && error.fault === "in_use") throw error;
      await this.check(image);
      await attempt();
    }
  }

  /**
   * Whoever copies the mount table (a container that starts, a program with namespaces of its own) keeps a disk in use
   * that is unmounted here, for as long as the copy lives, unless the disk lies in a mount that is shared with the copy.
   * That is so wherever systemd is; elsewhere the folder becomes such a mount.
   */
  private async share(): Promise<void> {
    const table = await mountinfo();
    const below = mountPoints(table).some((path) => path.startsWith(`${this.folder}/`));
    // What is mounted already would vanish below the folder's own mount.
    if (below || isShared(table, this.folder)) return;
    await this.run("mount", ["--bind", this.folder, this.folder]);
    await this.run("mount", ["--make-shared", this.folder]);
  }

  private async unmount(volume: string): Promise<void> {
    await this.unmountAll(this.of(volume, "mount"));
  }

  private async unmountAll(at: string): Promise<void> {
    for (const _mount of (await mounts()).filter((path) => path === at)) await this.run("umount", [at]);
  }

  private async released(volume: string): Promise<void> {
    const deadline = Date.now() + RELEASED_WITHIN_MS;
    while ((await this.loopDevices(this.of(volume, "image.ext4"))).length > 0) {
      if (Date.now() > deadline) throw new EngineError("in_use", `The disk of ${volume} is still in use.`);
      await pause(realClock, 20);
    }
  }

  /** As the kernel tells it: `losetup` takes a hundred times as long to start. */
  private async loopDevices(image: string): Promise<string[]> {
    const real = await realpath(image);
    return readdirSync(BLOCK_DEVICES)
      .filter((name) => name.startsWith("loop") && backingFile(name) === real)
      .map((name) => `/dev/${name}`);
  }

  /** Mends what a crash of the machine left; exit code 1 says that it did. */
  private async check(image: string): Promise<void> {
    await this.run("e2fsck", ["-f", "-p", image]).catch((error: unknown) => {
      const { cause } = error as { cause?: { code?: unknown } };
      if (cause?.code !== 1) throw error;
    });
  }

  private async resizeFile(image: string, sizeBytes: number): Promise<void> {
    const file = await open(image, "a", 0o600);
    try {
      await file.truncate(sizeBytes);
    } finally {
      await file.close();
    }
  }

  private async noteSize(volume: string, sizeBytes: number): Promise<void> {
    const path = this.of(volume, "size");
    await writeFile(`${path}.new`, String(sizeBytes), { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.sizes.set(volume, sizeBytes);
  }
}

/** The file behind a loop device; null where there is none. */
function backingFile(device: string): string | null {
  try {
    return readFileSync(join(BLOCK_DEVICES, device, "loop/backing_file"), "utf8").trimEnd();
  } catch {
    return null;
  }
}

async function mounts(): Promise<string[]> {
  return mountPoints(await mountinfo());
}

async function mountinfo(): Promise<string> {
  return await readFile("/proc/self/mountinfo", "utf8");
}

async function changedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}
