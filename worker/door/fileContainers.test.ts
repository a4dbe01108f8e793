import { expect, test } from "vitest";
import { EngineError } from "../engine/engineError.ts";
import { VirtualClock } from "../testing/virtualClock.ts";
import { FileContainers } from "./fileContainers.ts";

/** An engine whose removals take a while, and that refuses a second one of the same container meanwhile, as Docker does. */
function slowEngine(clock: VirtualClock, removalMs: number) {
  const there = new Set<string>();
  const leaving = new Set<string>();
  return {
    there,
    async createContainer({ name }: { name: string }) {
      if (there.has(name)) throw new EngineError("name_taken", `${name} is there already.`);
      there.add(name);
      return { id: name };
    },
    startContainer: async () => "started" as const,
    async removeContainer(container: string | { name: string }) {
      const name = String(container);
      if (!there.has(name)) return "absent" as const;
      if (leaving.has(name)) throw new EngineError("failed", `removal of ${name} is already in progress`);
      leaving.add(name);
      await new Promise<void>((resolve) => clock.after(removalMs, resolve));
      leaving.delete(name);
      there.delete(name);
      return "removed" as const;
    },
    listContainers: async () => [],
    changeDone: async () => {},
  };
}

test("whoever comes while the last one's container is being removed gets a new one", async () => {
  const clock = new VirtualClock();
  const engine = slowEngine(clock, 500);
  const containers = new FileContainers(engine, "i1", clock);
  const first = await containers.use("v", async (name) => name);
  // The first is idle for long enough to be ended, and its removal has only begun.
  await clock.advance(4_100);
  expect([...engine.there]).toEqual([first]);
  const second = containers.use("v", async (name) => [name, engine.there.has(name)]);
  await clock.advance(1_000);
  expect(await second).toEqual([first, true]);
});
