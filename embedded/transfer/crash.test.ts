import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { times } from "../../tests/long.ts";
import { RUN } from "../testing/project.ts";
import { openTransferBench } from "./testBench.ts";

const ROUNDS = times(3, 6);
const DOCUMENTS = 2_000;
const IMPORTER = path.join(import.meta.dirname, "crashImporter.ts");

/** Runs the importer, lets `imports` imports end, and kills it `laterMs` after. */
function runAndKill(folder: string, snapshot: string, imports: number, laterMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [RUN, IMPORTER, folder, snapshot], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    let killing = false;
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (killing || text.split("\n").length <= imports) return;
      killing = true;
      void setTimeout(laterMs).then(() => child.kill("SIGKILL"));
    });
    child.on("error", reject);
    child.on("exit", (_code, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`the importer ended by itself:\n${text}`));
      else if (/failed/.test(text)) reject(new Error(`an import failed:\n${text}`));
      else resolve();
    });
  });
}

test("killed while it imports: every table and file is as before the import, or as after it", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "transfer-crash-"));
  const source = await openTransferBench();
  try {
    await source.write((tx) => {
      for (let i = 0; i < DOCUMENTS; i++) tx.insertSystem(i % 2 === 0 ? "left" : "right", { i });
    });
    for (const text of ["first", "second"]) {
      await source.files.store(Readable.from([Buffer.from(text)]), { contentType: null, sha256: null });
    }
    const snapshot = path.join(folder, "snapshot.zip");
    writeFileSync(snapshot, await source.export(true));
    for (let round = 0; round < ROUNDS; round++) {
      await runAndKill(folder, snapshot, 1 + (round % 2), round * 37);
      const bench = await openTransferBench(folder);
      try {
        const left = await bench.documents("left");
        const right = await bench.documents("right");
        expect([DOCUMENTS / 2, DOCUMENTS / 2 + 1]).toContain(left.length);
        expect(right).toHaveLength(left.length);
        expect((await bench.files.recover()).missing).toBe(0);
        const files = await bench.documents("_storage");
        expect(files.map(({ _id }) => _id)).toEqual(
          (await source.documents("_storage")).map(({ _id }) => _id),
        );
        expect(bench.files.blobs.names()).toHaveLength(files.length);
      } finally {
        await bench.end();
      }
    }
  } finally {
    await source.end();
    rmSync(folder, { recursive: true, force: true });
  }
});
