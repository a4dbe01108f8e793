import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { elapsed } from "./elapsed.mjs";
import { createProgress, track } from "./progress.mjs";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function screen(live: boolean) {
  let text = "";
  const stream = { write: (more: string) => (text += more), columns: 60 };
  const progress = createProgress({ stream, live, now: () => Date.now() });

  return { progress, raw: () => text, read: () => text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "") };
}

describe("without a terminal", () => {
  test("a step has a line at its start and its end, with the time that it took", () => {
    const { progress, read } = screen(false);
    const step = progress.step("image node");
    vi.advanceTimersByTime(2_300);
    step.done();
    expect(read()).toBe("  … image node\n✓ image node (2.3 s)\n");
  });

  test("nothing is silent for five seconds, and each sign of life carries the last detail", () => {
    const { progress, raw } = screen(false);
    const step = progress.step("npm packages");
    step.detail("first\nfetching zod\n\n");
    let longest = 0;
    let lastLength = raw().length;
    let silent = 0;
    for (let at = 0; at < 60_000; at += 100) {
      vi.advanceTimersByTime(100);
      silent = raw().length === lastLength ? silent + 100 : 0;
      longest = Math.max(longest, silent);
      lastLength = raw().length;
    }
    expect(longest).toBeLessThanOrEqual(5_000);
    expect(raw()).toContain("fetching zod");
    step.fail();
    expect(raw()).toContain("✗ npm packages (1 min 00 s)");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an ended step says nothing more", () => {
    const { progress, read } = screen(false);
    const step = progress.step("a");
    step.done("a is done");
    const before = read();
    step.detail("late");
    step.fail();
    step.done();
    expect(read()).toBe(before);
  });
});

describe("on a terminal", () => {
  test("running steps are redrawn in place, ended ones stay above them", () => {
    const { progress, read, raw } = screen(true);
    const first = progress.step("first");
    const second = progress.step("second");
    second.detail("halfway");
    vi.advanceTimersByTime(1_000);
    expect(read()).toMatch(/first 1\.0 s[^\n]*\n[^\n]*second 1\.0 s {2}halfway\n$/);
    expect(raw()).toContain("\u001b[1A");
    first.done();
    expect(read()).toMatch(/✓ first 1\.0 s\n[^\n]*second[^\n]*\n$/);
    second.done();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a line is never wider than the terminal, and a detail cannot move the cursor", () => {
    const { progress, read } = screen(true);
    const step = progress.step("image");
    step.detail(`\u0007${"x".repeat(300)}`);
    vi.advanceTimersByTime(200);
    for (const line of read().split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    progress.close();
  });
});

test("work that is tracked ends its step as it ends itself", async () => {
  const { progress, read } = screen(false);
  expect(await track(progress, "good", async () => 7)).toBe(7);
  await expect(track(progress, "bad", () => Promise.reject(new Error("why")))).rejects.toThrow("why");
  expect(read()).toMatch(/✓ good[\s\S]*✗ bad/);
});

test.each([
  [400, "0.4 s"],
  [9_940, "9.9 s"],
  [12_400, "12 s"],
  [125_000, "2 min 05 s"],
])("%i ms reads %s", (ms, text) => expect(elapsed(ms)).toBe(text));
