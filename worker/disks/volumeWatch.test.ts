import { describe, expect, test } from "vitest";
import { VirtualClock } from "../testing/virtualClock.ts";
import { parseDu } from "./measureVolumes.ts";
import { isShared, mountPoints } from "./mountTable.ts";
import { VolumeWatch } from "./volumeWatch.ts";

const NAMESPACE = "project_1700000000000_abcdefgh";
const VOLUME = { name: "files", limitBytes: 1000, containers: ["app-1", "app-2"] };

/** A watch over volumes that hold what `holds` says, each measurement taking `tookMs`. */
function watching({ tookMs = 0 } = {}) {
  const clock = new VirtualClock();
  const holds = new Map<string, number>();
  const measured: string[][] = [];
  const failures: unknown[] = [];
  const scene = { clock, holds, measured, failures, broken: false };
  const watch = new VolumeWatch({
    clock,
    why: "the worker does not run as root",
    log: (_event, fields) => failures.push(fields?.error),
    async measure(volumes) {
      measured.push([...volumes]);
      if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve));
      if (scene.broken) throw new Error("no du today");
      return holds;
    },
  });
  return { ...scene, scene, watch };
}

describe("the watch over volumes", () => {
  test("stops whoever writes to one that is over its size, until it fits again", async () => {
    const { watch, holds, clock } = watching();
    watch.follow(NAMESPACE, [VOLUME]);
    const changed: string[] = [];
    const end = watch.start((namespace) => changed.push(namespace));
    holds.set("files", 1000);
    await clock.advance(15_000);
    expect([changed, watch.held(NAMESPACE)]).toEqual([[], new Map()]);
    holds.set("files", 1200);
    await clock.advance(15_000);
    const why = "its volume holds 1.2 KiB and may hold 1000 B";
    expect(changed).toEqual([NAMESPACE]);
    expect([...watch.held(NAMESPACE)]).toEqual([
      ["app-1", why],
      ["app-2", why],
    ]);
    holds.set("files", 10);
    await clock.advance(15_000);
    expect(changed).toEqual([NAMESPACE, NAMESPACE]);
    expect(watch.held(NAMESPACE)).toEqual(new Map());
    end();
    expect(clock.nextIn()).toBeNull();
  });

  test("lets go at once where the manifest allows more, and of what it no longer follows", async () => {
    const { watch, holds } = watching();
    watch.follow(NAMESPACE, [VOLUME]);
    holds.set("files", 1200);
    expect([...(await watch.look())]).toEqual([NAMESPACE]);
    watch.follow(NAMESPACE, [{ ...VOLUME, limitBytes: 2000 }]);
    expect(watch.held(NAMESPACE)).toEqual(new Map());
    watch.follow(NAMESPACE, []);
    await watch.look();
    watch.follow(NAMESPACE, [VOLUME]);
    expect(watch.held(NAMESPACE)).toEqual(new Map());
  });

  test("keeps what it knows where measuring fails, and goes on", async () => {
    const { watch, holds, clock, scene, failures } = watching();
    watch.follow(NAMESPACE, [VOLUME]);
    holds.set("files", 1200);
    await watch.look();
    const end = watch.start(() => {});
    scene.broken = true;
    await clock.advance(15_000);
    expect(failures).toHaveLength(1);
    expect(watch.held(NAMESPACE).size).toBe(2);
    await clock.advance(15_000);
    expect(failures).toHaveLength(2);
    end();
  });

  test("rests twenty times as long as measuring took, and measures a hundred at a time", async () => {
    const { watch, clock, measured } = watching({ tookMs: 2_000 });
    const many = Array.from({ length: 150 }, (_, index) => ({ ...VOLUME, name: `files${index}` }));
    watch.follow(NAMESPACE, many);
    const end = watch.start(() => {});
    await clock.advance(15_000 + 4_000);
    expect(measured.map(({ length }) => length)).toEqual([100, 50]);
    expect(clock.nextIn()).toBe(80_000);
    end();
  });
});

test("what du says is read by the volume's number, and a missing one is an error", () => {
  expect(parseDu("12\t/v/1\n4\t/v/0\n", ["a", "b"])).toEqual(
    new Map([
      ["b", 12 * 1024],
      ["a", 4 * 1024],
    ]),
  );
  expect(() => parseDu("12\t/v/1\n", ["a", "b"])).toThrow("2 volumes gave 1 sizes");
});

test("mount points are read as the kernel writes them", () => {
  const text =
    "22 27 0:21 / /proc rw - proc proc rw\n31 27 7:0 / /data/my\\040disk rw - ext4 /dev/loop0 rw\n";
  expect(mountPoints(text)).toEqual(["/proc", "/data/my disk"]);
});

test("a folder is as shared as the topmost of the deepest mounts that hold it", () => {
  const line = (at: string, optional: string) => `31 27 7:0 / ${at} rw ${optional} - ext4 /dev/vda rw`;
  const below = [line("/", ""), line("/data", "shared:7 master:3"), line("/data/one", "")];
  expect(isShared(below.join("\n"), "/data/volumes")).toBe(true);
  expect(isShared(below.join("\n"), "/data/one/volumes")).toBe(false);
  expect(isShared(below.join("\n"), "/database")).toBe(false);
  expect(isShared([...below, line("/data", "master:3")].join("\n"), "/data/volumes")).toBe(false);
});
