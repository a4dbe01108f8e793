import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { RUN } from "../testing/project.ts";
import { openFileBench } from "./testBench.ts";

const ROUNDS = 6;
const WRITER = path.join(import.meta.dirname, "crashWriter.ts");

/** Runs the writer and kills it after `lines` lines of output; returns them. */
function runAndKill(folder: string, lines: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [RUN, WRITER, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.split("\n").length > lines) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("exit", (_code, signal) => {
      if (signal === "SIGKILL") resolve(text.split("\n").slice(0, -1));
      else reject(new Error("the writer ended by itself"));
    });
  });
}

test("killed at any time: every promised file is whole, no row points to nothing, nothing is left over", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "files-crash-"));
  const promised = new Set<string>();
  const removing = new Set<string>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const line of await runAndKill(folder, 40 + round * 23)) {
        const [verb, id] = line.split(" ") as [string, string];
        (verb === "stored" ? promised : removing).add(id);
      }
      const bench = openFileBench(folder);
      try {
        expect((await bench.files.recover()).missing).toBe(0);
        const rows = bench.store.driver.prepare("SELECT blob, id FROM files").all();
        const blobs = path.join(folder, "files", "blobs");
        expect(readdirSync(blobs).sort()).toEqual(rows.map((row) => row["blob"]).sort());
        for (const { id, blob } of rows) {
          const file = (await bench.files.find(id as string))!;
          const bytes = readFileSync(path.join(blobs, blob as string));
          expect(bytes.length).toBe(file.size);
          expect(createHash("sha256").update(bytes).digest("base64")).toBe(file.sha256);
        }
        const present = new Set(rows.map((row) => row["id"]));
        for (const id of promised) if (!removing.has(id)) expect(present.has(id)).toBe(true);
      } finally {
        bench.close();
      }
    }
    expect(promised.size).toBeGreaterThan(100);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
