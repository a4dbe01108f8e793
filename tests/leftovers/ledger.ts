import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";

/**
 * What tests make in Docker and on disks outlives a run that is killed. So whoever makes an instance notes it first, with
 * the process that will remove it; the next run removes what was noted by processes that are no more (`sweep.ts`).
 */
export const LEDGER = join(tmpdir(), "slipway-tests");

const vNote = z.object({
  /** Null: what it is stands in the data directory's own `instance.json`. */
  instanceId: z.string().nullable(),
  dataDir: z.string(),
  pid: z.number(),
  /** When that process began, as its kernel counts: another one may have its number by now. */
  processStart: z.string(),
});
export type Note = z.infer<typeof vNote>;

/** @returns takes the note back: everything is removed */
export async function noteInstance(
  { instanceId, dataDir }: Pick<Note, "instanceId" | "dataDir">,
  folder = LEDGER,
): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${randomUUID()}.json`);
  const { pid } = process;
  await writeFile(path, JSON.stringify({ instanceId, dataDir, pid, processStart: await processStart(pid) }));
  return async () => await rm(path, { force: true });
}

/** Notes of processes that are no more, with where they stand. */
export async function orphanedNotes(folder = LEDGER): Promise<{ path: string; note: Note }[]> {
  const names = await readdir(folder).catch(() => []);
  const notes = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // One that is being written is somebody's who lives.
      const text = await readFile(path, "utf8").catch(() => "");
      const note = vNote.safeParse(jsonOf(text)).data;
      const lives = note === undefined || (await processStart(note.pid)) === note.processStart;
      return lives ? [] : [{ path, note }];
    }),
  );
  return notes.flat();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In ticks since the machine started; empty where there is no such process, or it only waits to be buried. */
async function processStart(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything: the state is the third field, the start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? "" : (fields[19] ?? "");
}
