import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { endOf } from "../../core/text.ts";
import { EngineError } from "../engine/engineError.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const RUN = fileURLToPath(new URL("../../scripts/run.mjs", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../scripts/images/main.ts", import.meta.url));
/** The builder says every few seconds what it is at; each of its steps has a bound of its own. */
const SILENCE_MS = 120_000;
const LAST_LINES = 5;

/** Makes images of Slipway's own catalogue that only some projects need; the same one at once is made once. */
export function imageBuilder(silenceMs = SILENCE_MS): (image: string) => Promise<void> {
  const going = new Map<string, Promise<void>>();
  return async (image) => {
    const made = going.get(image) ?? build(image, silenceMs).finally(() => going.delete(image));
    going.set(image, made);
    await made;
  };
}

async function build(image: string, silenceMs: number): Promise<void> {
  const child = spawn(process.execPath, [RUN, PROGRAM, image], {
    cwd: REPOSITORY,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  let silent = false;
  const silence = setTimeout(() => {
    silent = true;
    child.kill("SIGKILL");
  }, silenceMs);
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    silence.refresh();
    lines.push(...text.split("\n").filter((line) => line.trim() !== ""));
    lines.splice(0, lines.length - LAST_LINES);
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code === 0) return;
    const why = silent ? `silent for ${silenceMs / 1000} s` : endOf(lines.join(" "), 800);
    throw new EngineError("build_failed", `Slipway could not make the image ${image}: ${why}`);
  } finally {
    clearTimeout(silence);
  }
}
