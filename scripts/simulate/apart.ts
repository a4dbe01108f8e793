import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { nodeCommand } from "../setup/nodeCommand.ts";

const DEADLINE_MS = 1_800_000;
const MOST_OUTPUT = 64 * 1024 ** 2;
/** Nearly all that a seed makes is gone at its end: in a larger nursery it dies before it costs a copy. */
const FLAGS = ["--max-semi-space-size=32"];

/**
 * Simulates seeds by the command that people use, in a process of its own: vitest looks every import up at each use, and
 * a seed takes half as long again there. @returns the stories of those that do not end as they should; "" when all do
 */
export async function simulateApart(from: number, seeds: number): Promise<string> {
  const [node, ...args] = nodeCommand(
    "scripts/simulate/simulate.ts",
    "--from",
    `${from}`,
    "--seeds",
    `${seeds}`,
  );
  try {
    await promisify(execFile)(node, [...FLAGS, ...args], { timeout: DEADLINE_MS, maxBuffer: MOST_OUTPUT });
    return "";
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return stdout || stderr || String(error);
  }
}
