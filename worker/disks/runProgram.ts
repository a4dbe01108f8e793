import { execFile } from "node:child_process";
import { startOf } from "../../core/text.ts";
import { EngineError, type EngineFault } from "../engine/engineError.ts";

/** Making or checking a large filesystem takes seconds; a disk that hangs must not hang the worker. */
const DEADLINE_MS = 120_000;

/** Runs a program of the system with its arguments. @returns what it wrote to stdout */
export type RunProgram = (program: string, args: readonly string[]) => Promise<string>;

/** @throws EngineError that says which program failed and what it wrote */
export const runProgram: RunProgram = async (program, args) =>
  await new Promise((resolve, reject) => {
    const options = { timeout: DEADLINE_MS, killSignal: "SIGKILL", env: SYSTEM } as const;
    execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(programError(program, error, stderr));
    });
  });

/** The programs' own words are read below, and they are not all in the PATH of somebody who is not root. */
const SYSTEM = { LC_ALL: "C", PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` };

function programError(program: string, error: Error & { killed?: boolean }, stderr: string): EngineError {
  const said = startOf(stderr.trim().replace(/\s+/g, " "), 300);
  const why = error.killed ? `no end within ${DEADLINE_MS / 1000} s` : said || error.message;
  return new EngineError(faultOf(error.killed === true, why), `${program} failed: ${why}`, { cause: error });
}

function faultOf(killed: boolean, why: string): EngineFault {
  if (killed) return "deadline";
  if (/no space left on device/i.test(why)) return "disk_full";
  if (/target is busy|device or resource busy|is (?:mounted|in use)/i.test(why)) return "in_use";
  return "failed";
}
