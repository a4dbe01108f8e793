import path from "node:path";
import { mkdir } from "node:fs/promises";
import { runCommand } from "../setup/command.ts";

const TAR_DEADLINE_MS = 2 * 60_000;

/** Folders of uid 1000: an empty volume mounted over one takes its owner. */
const OWNED_BY_APP = ["workspace"];

/** Packs `root` with everything owned by root, whoever runs this, but for the folders that belong to uid 1000. */
export async function packRootfs(root: string, file: string): Promise<void> {
  for (const name of OWNED_BY_APP) await mkdir(path.join(root, name), { recursive: true });
  const common = ["-C", root, "--numeric-owner", "--format=gnu"];
  const excluded = OWNED_BY_APP.map((name) => `--exclude=./${name}`);
  const run = (args: string[]) => runCommand("tar", args, { deadlineMs: TAR_DEADLINE_MS });
  await run(["-c", "-f", file, ...common, "--owner=0", "--group=0", "--mode=u+rwX,go+rX", ...excluded, "."]);
  await run([
    "-r",
    "-f",
    file,
    ...common,
    "--owner=1000",
    "--group=1000",
    ...OWNED_BY_APP.map((name) => `./${name}`),
  ]);
}
