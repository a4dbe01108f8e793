import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { acmeFolder, AcmeStore } from "./acmeStore.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { DIRECTORY, KeeperWorld, MINUTE_MS, project } from "./keeper.fixtures.ts";

/** Orders to a public authority as the keeper has them made; acmeIssuer.test.ts tells what becomes of one. */

let world: KeeperWorld;
beforeEach(async () => {
  world = await KeeperWorld.open();
});
afterEach(async () => {
  await world.close();
});

describe("an order", () => {
  test("is not lost, and ends nothing else, where its state cannot be read for a moment", async () => {
    let reads = 0;
    class Failing extends AcmeStore {
      override async read(domain: string) {
        reads += 1;
        // The first time is the look's, the second the order's own.
        if (domain === "shop.example.com" && reads === 2) throw new Error("EIO: i/o error, read");
        return await super.read(domain);
      }
    }
    const rejections: unknown[] = [];
    const note = (error: unknown) => rejections.push(error);
    process.on("unhandledRejection", note);
    try {
      await world.start({ store: new Failing(acmeFolder(world.dataDir)) });
      world.keeper.follow(project("shop", ["shop.example.com"]));
      await world.pass();
      world.keeper.follow(project("blog", ["blog.example.com"]));
      await world.pass(10 * MINUTE_MS);
      expect(world.door.from("shop.example.com")).toBe("acme");
      expect(world.door.from("blog.example.com")).toBe("acme");
      expect(rejections).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
    }
  });

  test("of a domain that left meanwhile is not made, and one that ends too late leaves no key", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const issue = async (domain: string) => {
      world.ordered.push(domain);
      await gate;
      return await world.issue(domain);
    };
    await world.start({ acme: { directory: DIRECTORY, issue } });
    world.keeper.follow(project("one", ["one.example.com", "two.example.com"]));
    await world.clock.advance(100);
    await expect.poll(() => world.ordered).toEqual(["one.example.com"]);
    world.keeper.forget("id of one");
    release();
    await world.pass();
    expect(world.ordered).toEqual(["one.example.com"]);
    expect(await new AcmeStore(acmeFolder(world.dataDir)).domains()).toEqual([]);
  });

  test("that fails waits its time also where that cannot be written down", async () => {
    class Full extends AcmeStore {
      override async write(): Promise<void> {
        throw new Error("ENOSPC: no space left on device");
      }
    }
    const issue = async (domain: string): Promise<CertificatePair> => {
      world.ordered.push(domain);
      throw new Error("The authority cannot reach it.");
    };
    await world.start({ store: new Full(acmeFolder(world.dataDir)), acme: { directory: DIRECTORY, issue } });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    for (let minute = 0; minute < 60; minute += 1) {
      world.keeper.look();
      await world.pass(MINUTE_MS);
    }
    expect(world.ordered.length).toBeLessThanOrEqual(4);
    expect(world.ordered.length).toBeGreaterThan(1);
  });

  test("whose certificate cannot be written down has served its purpose all the same", async () => {
    let isFull = true;
    class Full extends AcmeStore {
      override async write(...args: Parameters<AcmeStore["write"]>): Promise<void> {
        if (isFull) throw new Error("ENOSPC: no space left on device");
        await super.write(...args);
      }
    }
    await world.start({ store: new Full(acmeFolder(world.dataDir)) });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.from("shop.example.com")).toBe("acme");
    isFull = false;
    await world.pass(10 * MINUTE_MS);
    await world.start();
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.ordered).toEqual(["shop.example.com"]);
  });

  test("is made at once where another authority is named; the old certificate serves until it is done", async () => {
    await world.start({ acme: world.acmeOf("https://staging.example/dir") });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    const staged = world.door.has.get("shop.example.com");
    let fails = true;
    const production = world.acmeOf("https://production.example/dir");
    await world.start({
      acme: {
        ...production,
        issue: async (domain, signal) => {
          const pair = await production.issue(domain, signal);
          if (fails) throw new Error("not yet");
          return pair;
        },
      },
    });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.ordered).toEqual([
      "shop.example.com of https://staging.example/dir",
      "shop.example.com of https://production.example/dir",
    ]);
    expect(world.door.has.get("shop.example.com")).toEqual(staged);
    // What the one refused is no reason to wait with the other.
    fails = false;
    await world.start({ acme: world.acmeOf("https://third.example/dir") });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.ordered.at(-1)).toBe("shop.example.com of https://third.example/dir");
    expect(world.door.has.get("shop.example.com")).not.toEqual(staged);
    await world.pass(10 * MINUTE_MS);
    expect(world.ordered).toHaveLength(3);
  });
});
