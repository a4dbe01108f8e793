/** `node scripts/run.mjs scripts/images/main.ts [name or tag …]`: makes the catalogue's images, without anything else. */
import { parseArgs } from "node:util";
import Docker from "dockerode";
import { createProgress } from "../progress/progress.mjs";
import { SetupError } from "../setup/setupError.ts";
import { ensureImages } from "./ensureImages.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { repository: { type: "string" }, registry: { type: "string" } },
});
const progress = createProgress();
try {
  const names = positionals.length > 0 ? positionals : undefined;
  const made = await ensureImages(new Docker(), { progress, names, ...values });
  for (const image of made) console.log(`${image.tag}\t${image.source}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`${error.message}\n${error.fix}`);
  process.exitCode = 1;
} finally {
  progress.close();
}
