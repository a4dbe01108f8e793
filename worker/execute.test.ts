import { expect, test } from "vitest";
import { refOf, type Engine, type Named } from "./engine/engine.ts";
import { execute } from "./execute.ts";
import type { Operation } from "./plan/operation.ts";

const start = (target: string, after: string[] = []): Operation => ({
  do: "start container",
  target,
  id: target,
  after,
  environment: "dev",
  cause: "a test",
});

/** An engine whose starts are ended by the test. */
function setUp() {
  const open = new Map<string, (error?: Error) => void>();
  const engine = {
    startContainer: (name: string) =>
      new Promise((resolve, reject) =>
        open.set(name, (error) => {
          open.delete(name);
          if (error) reject(error);
          else resolve("started");
        }),
      ),
  } as unknown as Engine;
  const end = async (name: string, error?: Error) => {
    open.get(name)!(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { open, engine, end };
}

const starters = { tar: async () => Buffer.alloc(0), files: async () => new Map<string, Buffer>() };

test("does side by side what does not wait for each other, and the rest in its order", async () => {
  const { open, engine, end } = setUp();
  const going = execute(engine, starters, [start("a"), start("b"), start("c", ["a", "b"])], { parallel: 5 });
  expect([...open.keys()]).toEqual(["a", "b"]);
  await end("a");
  expect([...open.keys()]).toEqual(["b"]);
  await end("b");
  expect([...open.keys()]).toEqual(["c"]);
  await end("c");
  expect((await going).done.map(({ id }) => id)).toEqual(["a", "b", "c"]);
});

test("makes no more calls at once than it may", async () => {
  const { open, engine, end } = setUp();
  const going = execute(engine, starters, [start("a"), start("b"), start("c")], { parallel: 2 });
  expect([...open.keys()]).toEqual(["a", "b"]);
  await end("b");
  expect([...open.keys()]).toEqual(["a", "c"]);
  await end("a");
  await end("c");
  await going;
});

test("a failure keeps back what comes after it, however far, and nothing else", async () => {
  const { engine, end } = setUp();
  const operations = [start("a"), start("b", ["a"]), start("c", ["b"]), start("d")];
  const going = execute(engine, starters, operations, { parallel: 5 });
  await end("a", new Error("no"));
  await end("d");
  const { done, failed, skipped } = await going;
  expect(done.map(({ id }) => id)).toEqual(["d"]);
  expect(failed.map(({ operation, error }) => [operation.id, (error as Error).message])).toEqual([
    ["a", "no"],
  ]);
  expect(skipped.map(({ id }) => id).sort()).toEqual(["b", "c"]);
});

test("what was planned for a container is done to that one, and to no other that has its name by now", async () => {
  const touched: unknown[] = [];
  const engine = {
    createContainer: async () => ({ id: "made" }),
    connectNetwork: async (_network: string, container: Named) => touched.push(refOf(container)),
    startContainer: async (container: Named) => touched.push(refOf(container)),
    getArchive: async (container: Named) => touched.push(refOf(container)),
    putArchive: async (container: Named) => touched.push(refOf(container)),
  } as unknown as Engine;
  const step = { environment: "dev", cause: "a test" } as const;
  const operations: Operation[] = [
    start("a"),
    { ...step, do: "create container", target: "b", id: "1", after: [], container: { name: "b" } as never },
    { ...step, do: "connect", target: "b", id: "2", after: ["1"], network: "n", aliases: [] },
    { ...step, do: "copy workspace", target: "b", id: "3", after: ["2"], reader: "a" },
    start("c"),
  ];
  const { failed } = await execute(engine, starters, operations, {
    parallel: 1,
    found: [{ name: "a", id: "found" }],
  });
  expect([touched, failed]).toEqual([["found", "made", "found", "made", "c"], []]);
});

test("an empty plan is done at once", async () => {
  expect(await execute({} as Engine, starters, [], { parallel: 1 })).toEqual({
    done: [],
    failed: [],
    skipped: [],
  });
});
