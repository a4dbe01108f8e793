/** Imports the snapshot `argv[3]` into the deployment in `argv[2]` again and again, until it is killed; run by `crash.test.ts`. */
import { readFileSync } from "node:fs";
import { openTransferBench } from "./testBench.ts";

const bench = await openTransferBench(process.argv[2]!);
const snapshot = readFileSync(process.argv[3]!);
for (;;) {
  const { state } = await bench.import(snapshot, { mode: "replaceAll", format: "zip" });
  process.stdout.write(`${state}\n`);
  await bench.write((tx) => {
    for (const name of ["left", "right"]) tx.insertSystem(name, { extra: true });
  });
}
