import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { withLock } from "./lock.mjs";

const MODULE = new URL("lock.mjs", import.meta.url).href;
const name = (of: string) => `test-${of}-${process.pid}`;

/** A process that holds a lock until it is killed. */
async function holder(lock: string) {
  const script = `import { withLock } from "${MODULE}";
    await withLock("${lock}", () => { console.log("held"); return new Promise((end) => setTimeout(end, 600_000)); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  return child;
}

test("work under one name runs one at a time, under another at once", async () => {
  const running: string[] = [];
  let most = 0;
  const work = (id: string) => async () => {
    running.push(id);
    most = Math.max(most, running.length);
    await new Promise((resolve) => setImmediate(resolve));
    running.splice(running.indexOf(id), 1);
    return id;
  };
  const same = ["a", "b", "c"].map((id) => withLock(name("same"), work(id)));
  expect(await Promise.all(same)).toEqual(["a", "b", "c"]);
  expect(most).toBe(1);
  expect(await withLock(name("outer"), () => withLock(name("inner"), work("d")))).toBe("d");
});

test("a killed holder leaves the lock free", async () => {
  const lock = name("killed");
  const child = await holder(lock);
  let waited = 0;
  const mine = withLock(lock, async () => "mine", { onWait: () => (waited += 1) });
  child.kill("SIGKILL");
  expect(await mine).toBe("mine");
  expect(waited).toBeLessThanOrEqual(1);
});

test("a lock that stays taken is given up at the deadline", async () => {
  const lock = name("taken");
  const child = await holder(lock);
  let waited = 0;
  const mine = withLock(lock, async () => "mine", { onWait: () => (waited += 1), deadlineMs: 300 });
  await expect(mine).rejects.toThrow(/has held the lock/);
  expect(waited).toBe(1);
  child.kill("SIGKILL");
});

test("work that fails releases the lock and keeps its error", async () => {
  const lock = name("fails");
  await expect(withLock(lock, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await withLock(lock, async () => "next")).toBe("next");
});
