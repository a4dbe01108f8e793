import type { Command } from "commander";
import { diagnose, type Diagnosis } from "../../../worker/doctor/check.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance } from "../../setup/instance.ts";
import { connectEngine } from "../../supervisor/engine.ts";
import { outputOf } from "../lib/context.ts";
import { EXIT } from "../lib/fail.ts";
import { table, type Output } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";

const MARKS = {
  ok: { mark: "✓", style: "green" },
  warning: { mark: "!", style: "yellow" },
  failed: { mark: "✗", style: "red" },
  skipped: { mark: "-", style: "gray" },
} as const;

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("check the machine and every part, and say what to do")
    .description(
      "Check the machine and every part of Slipway, and say what to do. Exit code 1 where a check fails.",
    )
    .action(doctor);
}

async function doctor(_options: object, command: Command): Promise<void> {
  const { doctorChecks } = await import("../lib/doctorChecks.ts");
  const output = outputOf(command);
  const dataDir = dataDirectory();
  const progress = output.progress();
  const step = progress.step("Checking");
  const engine = await connectEngine().then(
    (docker) => ({ docker, why: "" }),
    (error: unknown) => ({ docker: null, why: error instanceof Error ? error.message : String(error) }),
  );
  const session = (await readInstance(dataDir)) ? await openSession(dataDir) : null;
  const found = await diagnose(doctorChecks(dataDir, session, engine));
  step.drop();
  progress.close();
  output.data(found, () => report(found, output));
  const failures = found.filter(({ state }) => state === "failed").length;
  if (failures > 0) {
    output.say(`${failures} of ${found.length} checks failed.`);
    process.exitCode = EXIT.failed;
  }
}

function report(found: Diagnosis[], { style }: Output): string {
  const rows = found.flatMap((diagnosis) => {
    const { mark, style: colour } = MARKS[diagnosis.state];
    const line = [style(colour, mark), diagnosis.title, diagnosis.detail];
    return "fix" in diagnosis ? [line, ["", "", `→ ${diagnosis.fix}`]] : [line];
  });
  return table(["", "", ""], rows).trimStart();
}
