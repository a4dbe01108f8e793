import { describe, expect, test } from "vitest";
import { PushQueue } from "./pushQueue.ts";

/** A receiver whose answers the test gives one by one. */
function receiver() {
  const sent: { value: string; answer: (result: string) => void; fail: (error: Error) => void }[] = [];
  const queue = new PushQueue<string, string>(
    (value) => new Promise((answer, fail) => sent.push({ value, answer, fail })),
  );
  const values = () => sent.map(({ value }) => value);
  return { queue, sent, values };
}

/** Lets everything that is ready happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("PushQueue", () => {
  test("coalesces what piles up: the newest goes out, everybody gets its result", async () => {
    const { queue, sent, values } = receiver();
    const first = queue.push("a", "a1");
    await settle();
    const waiting = [queue.push("a", "a2"), queue.push("a", "a3"), queue.push("a", "a4")];
    await settle();
    expect(values()).toEqual(["a1"]);
    sent[0]?.answer("one");
    await settle();
    expect(values()).toEqual(["a1", "a4"]);
    sent[1]?.answer("four");
    expect(await first).toBe("one");
    expect(await Promise.all(waiting)).toEqual(["four", "four", "four"]);
  });

  test("sends different keys side by side", async () => {
    const { queue, values } = receiver();
    void queue.push("a", "a1");
    void queue.push("b", "b1");
    await settle();
    expect(values()).toEqual(["a1", "b1"]);
  });

  test("a failure reaches its caller and nobody else", async () => {
    const { queue, sent, values } = receiver();
    const failing = queue.push("a", "a1");
    await settle();
    const next = queue.push("a", "a2");
    sent[0]?.fail(new Error("refused"));
    await expect(failing).rejects.toThrow("refused");
    await settle();
    expect(values()).toEqual(["a1", "a2"]);
    sent[1]?.answer("two");
    expect(await next).toBe("two");
  });

  test("work that stands alone waits for all before it and holds off all after it", async () => {
    const { queue, sent, values } = receiver();
    const log: string[] = [];
    void queue.push("a", "a1");
    await settle();
    void queue.push("a", "a2");
    const alone = queue.alone(async () => void log.push("alone"));
    void queue.push("a", "a3");
    void queue.push("b", "b1");
    await settle();
    expect(values()).toEqual(["a1"]);
    sent[0]?.answer("");
    await settle();
    expect(values()).toEqual(["a1", "a2"]);
    expect(log).toEqual([]);
    sent[1]?.answer("");
    await alone;
    await settle();
    expect(values()).toEqual(["a1", "a2", "a3", "b1"]);
  });

  test("a removal between two pushes keeps its place", async () => {
    const { queue, sent, values } = receiver();
    const log: string[] = [];
    void queue.push("a", "a1");
    await settle();
    void queue.push("a", "a2");
    const removed = queue.after("a", async () => void log.push(`removed after ${values().join()}`));
    void queue.push("a", "a3");
    sent[0]?.answer("");
    await settle();
    sent[1]?.answer("");
    await removed;
    await settle();
    expect(log).toEqual(["removed after a1,a2"]);
    expect(values()).toEqual(["a1", "a2", "a3"]);
  });
});
