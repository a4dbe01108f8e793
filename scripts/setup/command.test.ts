import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCommand } from "./command.ts";
import { setupLogPath } from "./setupLog.ts";

const node = (script: string) => [process.execPath, ["-e", script]] as const;

test("output arrives line by line, as a whole, and in the log", async () => {
  const lines: string[] = [];
  const marker = `marker-${process.pid}`;
  const { code, stdout } = await runCommand(
    ...node(`process.stdout.write("one\\ntwo\\r\\n${marker}"); process.stderr.write("oops\\n")`),
    { deadlineMs: 20_000, onLine: (line) => lines.push(line) },
  );
  expect(code).toBe(0);
  expect(stdout).toBe(`one\ntwo\r\n${marker}`);
  expect(lines.sort()).toEqual([marker, "one", "oops", "two"].sort());
  expect(readFileSync(setupLogPath(), "utf8")).toContain(marker);
});

test("a failure says what ran, how it ended, its last lines and where the rest is", async () => {
  const failing = runCommand(...node(`console.error("no such thing"); process.exit(3)`), {
    deadlineMs: 20_000,
  });
  await expect(failing).rejects.toMatchObject({
    reason: "command-failed",
    message: expect.stringMatching(/exit code 3[\s\S]*no such thing/),
    fix: expect.stringContaining(setupLogPath()),
  });
});

test("a program that does not exist is a failure of the same kind", async () => {
  const failing = runCommand("slipway-no-such-program", [], { deadlineMs: 20_000 });
  await expect(failing).rejects.toMatchObject({
    reason: "command-failed",
    message: expect.stringContaining("ENOENT"),
  });
});

test("a program that takes too long is ended with all that it started", async () => {
  const script = `
    const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  let grandchild = 0;
  const running = runCommand(...node(script), {
    deadlineMs: 1_500,
    onLine: (line) => (grandchild = Number(line)),
  });
  await expect(running).rejects.toMatchObject({ reason: "command-timeout" });
  expect(grandchild).toBeGreaterThan(0);
  await expect.poll(() => isThere(grandchild), { timeout: 5_000 }).toBe(false);
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
