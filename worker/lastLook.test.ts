import { describe, expect, test } from "vitest";
import { LastLook } from "./lastLook.ts";
import type { Snapshot } from "./snapshot.ts";

const EMPTY: Snapshot = { containers: [], networks: [], volumes: [] };
const SHOP: Snapshot = { ...EMPTY, volumes: [{ name: "shop_dev_workspace", labels: {} }] };

function setUp() {
  const time = { ms: 0 };
  const last = new LastLook({ elapsed: () => time.ms });
  const look = (meanwhile = () => {}) => {
    last.begin();
    meanwhile();
    last.keep(new Map([["shop", SHOP]]));
  };
  return { time, last, look };
}

describe("a look at everything", () => {
  test("is given to the first turn of each namespace, also of one that has nothing", () => {
    const { last, look } = setUp();
    expect(last.take("shop")).toBeUndefined();
    look();
    expect(last.take("shop")).toBe(SHOP);
    expect(last.take("new")).toEqual(EMPTY);
    expect([last.take("shop"), last.take("new")]).toEqual([undefined, undefined]);
    look();
    expect(last.take("shop")).toBe(SHOP);
  });

  test("says nothing of what something happened to since it began", () => {
    const { last, look } = setUp();
    look(() => last.pass("shop"));
    expect(last.take("shop")).toBeUndefined();
    look();
    last.pass("shop");
    expect(last.take("shop")).toBeUndefined();
  });

  test("says nothing once it is old, or events were lost, even while Docker was being asked", () => {
    const { time, last, look } = setUp();
    look();
    time.ms += 15_001;
    expect(last.take("shop")).toBeUndefined();
    look(() => last.forget());
    expect(last.take("shop")).toBeUndefined();
  });
});
