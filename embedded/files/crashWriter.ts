/** Stores and removes files without end, until it is killed; run by `crash.test.ts`. Prints each id it was promised. */
import { Readable } from "node:stream";
import { transactionFileOperations } from "./fileOperations.ts";
import { openFileBench } from "./testBench.ts";

const bench = openFileBench(process.argv[2]!);
await bench.files.recover();
const remove = transactionFileOperations(bench.files)["1.0/storageDelete"]!;
const kept: string[] = [];

async function work(worker: number): Promise<never> {
  for (let i = 0; ; i++) {
    const text = `${worker}:${i}:`.repeat(1 + ((i * 37) % 4_000));
    const id = await bench.files.store(Readable.from([Buffer.from(text)]), {
      contentType: null,
      sha256: null,
    });
    process.stdout.write(`stored ${id}\n`);
    kept.push(id);
    if (i % 3 === 2) {
      const storageId = kept.shift()!;
      process.stdout.write(`removing ${storageId}\n`);
      await bench.write((tx) => remove(tx, Date.now(), { storageId }));
    }
  }
}

await Promise.all([0, 1, 2, 3].map(work));
