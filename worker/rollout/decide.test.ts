import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import { describeReceipt, rolloutPolicy, vRolloutManifest } from "../../core/rollout.ts";
import type { PhaseCounts, RolloutCounts, SideCounts } from "../gateway/gateway.ts";
import { canaryId, decide, type RolloutDecision, type RolloutInput, type RolloutMemory } from "./decide.ts";
import { drainOf } from "./drains.ts";
import { fatesOf } from "./fates.ts";
import { receiptOf } from "./receipt.ts";
import type { RoutedReplica } from "./replicas.ts";

const POLICY = rolloutPolicy(vRolloutManifest.parse({ start: "60s", watch: "10s" }));

function replica(revision: string, number: number, more: Partial<RoutedReplica> = {}): RoutedReplica {
  const name = `web-${revision}-${number}`;
  return {
    service: { service: "web", route: "/", port: 3000, readyPath: "/", attachment: false },
    revision,
    replica: number,
    name,
    container: {
      ...{
        id: `id-${name}`,
        name,
        image: "i",
        state: "running",
        health: "none",
        exitCode: null,
        networks: {},
      },
      labels: { [LABELS.release]: revision === "old" ? "1" : "2" },
    },
    address: `10.0.0.${number}`,
    ready: true,
    waitingMs: 0,
    ...more,
  };
}

const PROVEN = { proven: true, failingMs: 0, seen: null };

const OLD = [replica("old", 1), replica("old", 2)];
const NEW = [replica("new", 1), replica("new", 2)];
const unready = (replicas: RoutedReplica[]) => replicas.map((one) => ({ ...one, ready: false }));
const idsOf = (replicas: RoutedReplica[]) => new Set(replicas.map(({ container }) => container!.id));

function look(more: Partial<RolloutInput>): RolloutDecision {
  return decide({
    ...{
      now: 0,
      date: 1_700_000_000_000,
      generation: 4,
      attempt: 1,
      undone: null,
      proof: PROVEN,
      policy: POLICY,
      wanted: NEW,
      earlier: OLD,
    },
    ...{ canary: null, routed: idsOf(OLD), memory: null, counts: null, drained: false, failure: null },
    ...more,
  });
}

const NONE: SideCounts = { served: 0, failed: 0, aborted: 0, givenUp: 0, latencies: [] };
const phase = (more: Partial<PhaseCounts> = {}): PhaseCounts => ({
  ...{ accepted: 0, old: NONE, new: NONE, none: NONE },
  ...more,
});
function counted(more: Partial<SideCounts>, undone = false): RolloutCounts {
  const side = { ...NONE, ...more };
  return { undone, waiting: 0, phases: { before: phase(), during: phase({ new: side }), after: phase() } };
}

const serving = ({ serving }: RolloutDecision) =>
  serving.map(({ replica: { name }, standby }) => (standby ? `(${name})` : name)).join(" ");

/** A rollout that was switched at 0. */
const SWITCHED: RolloutMemory = look({}).memory;

describe("a rollout", () => {
  test("leads to the old ones until all of the new ones answer", () => {
    const some = look({ wanted: [NEW[0]!, ...unready([NEW[1]!])] });
    expect(some.memory.phase).toBe("before");
    expect(serving(some)).toBe("web-old-1 web-old-2");
    expect(some.mark).toEqual({ id: some.memory.id, phase: "before" });
    const all = look({ memory: some.memory });
    expect(all.memory).toMatchObject({ phase: "during", id: some.memory.id, switchedAt: 0 });
    expect(serving(all)).toBe("web-new-1 web-new-2 (web-old-1) (web-old-2)");
    expect(all.mark?.guard).toEqual({ errors: 5, points: 5 });
  });

  test("with nothing that serves leads to whatever answers", () => {
    const first = look({ earlier: [], routed: new Set(), wanted: [NEW[0]!, ...unready([NEW[1]!])] });
    expect(serving(first)).toBe("web-new-1");
    expect(first.memory.phase).toBe("live");
  });

  test("goes back to the old ones where the gateway has lost its table", () => {
    const lost = look({ routed: new Set(), wanted: unready(NEW) });
    expect(serving(lost)).toBe("web-old-1 web-old-2");
  });

  test("is given up where the new ones take too long, or cannot become ready", () => {
    const begun = look({ wanted: unready(NEW) });
    expect(look({ wanted: unready(NEW), memory: begun.memory, now: 59_000 }).memory.phase).toBe("before");
    const late = look({ wanted: unready(NEW), memory: begun.memory, now: 60_000 });
    expect(late.memory).toMatchObject({ phase: "undone", cause: "web did not become ready within 60 s." });
    expect(serving(late)).toBe("web-old-1 web-old-2");
    const failed = look({ wanted: unready(NEW), memory: begun.memory, failure: "The image is missing." });
    expect(failed.memory.cause).toBe("The image is missing.");
    expect(look({ wanted: unready(NEW), memory: failed.memory }).memory.phase).toBe("undone");
    expect(look({ wanted: unready(NEW), memory: failed.memory, attempt: 2 }).memory.phase).toBe("before");
  });

  test("is watched after the switch until enough requests went well, or its time is over", () => {
    const routed = idsOf(NEW);
    const drained = look({ memory: SWITCHED, routed, drained: true, now: 1_000 });
    expect(drained.memory).toMatchObject({ phase: "after", drainedAt: 1_000 });
    const at = (now: number, counts: RolloutCounts) =>
      look({ memory: drained.memory, routed, now, counts, drained: true }).memory.phase;
    expect(at(1_500, counted({ served: 500 }))).toBe("after");
    expect(at(2_000, counted({ served: 199 }))).toBe("after");
    expect(at(2_000, counted({ served: 200 }))).toBe("live");
    expect(at(10_000, counted({}))).toBe("live");
  });

  test("goes on once a request has gone by its route, and is undone where none has in time", () => {
    const unproven = (failingMs: number) =>
      look({
        ...{ memory: SWITCHED, routed: idsOf(NEW), drained: true, now: 40_000 },
        proof: { proven: false, failingMs, seen: "/ is answered 502 by no container" },
      });
    expect(unproven(0).memory.phase).toBe("during");
    expect(unproven(29_999)).toMatchObject({ memory: { phase: "during" }, againMs: 250 });
    const late = unproven(30_000);
    expect(late.memory).toMatchObject({
      phase: "undone",
      cause: "No request reached it within 30 s of the switch: / is answered 502 by no container.",
    });
    expect(serving(late)).toBe("web-old-1 web-old-2");
  });

  test("is undone by the gateway's word, or where a new one dies", () => {
    const errors = look({
      memory: SWITCHED,
      routed: idsOf(NEW),
      counts: counted({ served: 3, failed: 6 }, true),
    });
    expect(errors.memory.phase).toBe("undone");
    expect(errors.memory.cause).toContain("6 of the first 9 requests after the switch failed");
    expect(serving(errors)).toBe("web-old-1 web-old-2");
    const hangs = look({
      memory: SWITCHED,
      routed: idsOf(NEW),
      counts: counted({ served: 3, aborted: 8, givenUp: 6 }, true),
    });
    expect(hangs.memory.cause).toContain(
      "6 of the first 9 requests after the switch were given up by their clients",
    );
    const dead = look({
      memory: SWITCHED,
      wanted: [NEW[0]!, ...unready([NEW[1]!])],
      routed: idsOf(NEW),
      now: 2_500,
    });
    expect(dead.memory.cause).toBe("web stopped answering 2.5 s after the switch.");
    const more = look({
      memory: SWITCHED,
      wanted: [...NEW, ...unready([replica("new", 3)])],
      routed: idsOf(NEW),
    });
    expect(more.memory.phase).toBe("during");
  });

  test("that was undone stays so, also for a new worker, until it is asked for again or is another one", () => {
    const undone = { id: "r-loyw3v28", revisions: "web:new", attempt: 1, cause: "5 requests failed." };
    const next = look({ undone });
    expect(next.memory).toMatchObject({ phase: "undone", id: undone.id, cause: undone.cause });
    expect(serving(next)).toBe("web-old-1 web-old-2");
    expect(look({ undone, memory: next.memory }).memory.phase).toBe("undone");
    expect(look({ undone, attempt: 2 }).memory.phase).toBe("during");
    expect(look({ undone: { ...undone, revisions: "web:other" } }).memory.phase).toBe("during");
  });

  test("that was undone goes back to the old ones as soon as they answer, though the new ones do before", () => {
    const undone = { id: "r-loyw3v28", revisions: "web:new", attempt: 1, cause: "5 requests failed." };
    const started = look({ undone, earlier: unready(OLD), routed: new Set() });
    expect(serving(started)).toBe("web-new-1 web-new-2");
    expect(serving(look({ undone, memory: started.memory }))).toBe("web-old-1 web-old-2");
  });

  test("that is overtaken makes what it switched to the old side of the next one", () => {
    const third = [replica("third", 1, { ready: false })];
    const next = look({ memory: SWITCHED, wanted: third, earlier: [...NEW, ...OLD], routed: idsOf(NEW) });
    expect(next.memory.phase).toBe("before");
    expect(serving(next)).toBe("web-new-1 web-new-2");
  });

  test("counts each canary by itself, also where the same release is tried again", () => {
    const replicas = [replica("canary", 1)];
    const canary = { replicas, percent: 10 };
    const first = look({ earlier: [], routed: idsOf(NEW), canary, generation: 4 });
    const again = look({ earlier: [], routed: idsOf(NEW), canary, generation: 6 });
    expect(first.mark?.id).toBe(canaryId(4, replicas));
    expect(again.mark?.id).not.toBe(first.mark?.id);
    expect(canaryId(123_456_789, [replica("a".repeat(90), 1)])).toMatch(/^[a-z0-9-]{1,64}$/);
  });

  test("shares requests out to a canary by weight, each service by itself", () => {
    const canary = { replicas: [replica("canary", 1)], percent: 10 };
    const decision = look({ earlier: [], routed: idsOf(NEW), canary });
    expect(decision.serving.map(({ weight, side }) => [weight, side])).toEqual([
      [450, "old"],
      [450, "old"],
      [100, "new"],
    ]);
    expect(decision.mark).toMatchObject({ phase: "before", guard: { errors: 5 } });
    const waiting = look({
      earlier: [],
      routed: idsOf(NEW),
      canary: { ...canary, replicas: unready(canary.replicas) },
    });
    expect(serving(waiting)).toBe("web-new-1 web-new-2");
  });
});

test("earlier containers stay while they serve, stand by or finish, then are kept ready or go", () => {
  const memory: RolloutMemory = { ...SWITCHED, phase: "live" };
  const fates = (more: Partial<Parameters<typeof fatesOf>[0]>) => [
    ...fatesOf({
      ...{ earlier: OLD, memory, routed: idsOf(NEW), kept: null },
      ...{ busy: new Set<string>(), overdue: new Set<string>() },
      ...more,
    }).values(),
  ];
  expect(fates({ memory: SWITCHED })).toEqual(["stay", "stay"]);
  expect(fates({ busy: new Set(["id-web-old-2"]) })).toEqual(["remove", "stay"]);
  expect(fates({})).toEqual(["remove", "remove"]);
  expect(fates({ kept: { number: 1 } })).toEqual(["park", "park"]);
  expect(fates({ kept: { number: 2 } })).toEqual(["remove", "remove"]);
  // A container without a network or a turn could not tell its clients any more.
  const overdue = new Set(["id-web-old-2"]);
  expect(fates({ kept: { number: 1 }, overdue })).toEqual(["park", "end"]);
  expect(fates({ kept: { number: 1 }, overdue, memory: SWITCHED })).toEqual(["stay", "stay"]);
  // One that goes is asked to end, and may close what it has in its own way.
  expect(fates({ overdue })).toEqual(["remove", "remove"]);
});

test("old containers have their time for requests and for streams; what is left then is overdue", () => {
  const at = (elapsedMs: number, requests: number, streams = 0) =>
    drainOf({ requests, streams }, elapsedMs, { ...POLICY, drainMs: 30_000, streamsMs: 600_000 });
  expect([at(0, 0), at(999, 0), at(1_000, 0)]).toEqual(["requests", "requests", "done"]);
  expect([at(29_999, 1), at(30_000, 1)]).toEqual(["requests", "overdue"]);
  expect([at(1_000, 1, 1), at(599_999, 1, 1), at(600_000, 1, 1)]).toEqual(["streams", "streams", "overdue"]);
  // Only the gateway could end one and not the other, and it cannot tell their connections apart.
  expect([at(29_999, 2, 1), at(30_000, 2, 1)]).toEqual(["requests", "streams"]);
});

test("a receipt says what the bounds cut, what goes on, and what the new side has not answered", () => {
  const old = [
    { drain: "overdue" as const, requests: 2, streams: 0 },
    { drain: "streams" as const, requests: 4, streams: 3 },
    { drain: "done" as const, requests: 0, streams: 0 },
  ];
  const receipt = receiptOf({ ...counted({ served: 3 }), waiting: 1 }, old);
  expect(receipt.unfinished).toEqual({ cut: 2, streams: 3, waiting: 1 });
  expect(describeReceipt(receipt)).toContain(
    "0 failed, 2 cut off by the drain bound, 1 not answered after 5 s, 3 streams of before go on",
  );
  expect(describeReceipt(receiptOf(counted({ served: 3 }), []))).not.toMatch(/cut|answered|streams/);
});

test("a receipt says how requests fared by the phase in which they began", () => {
  const counts = counted({
    served: 98,
    failed: 2,
    latencies: [
      [3, 50],
      [10, 48],
      [90, 2],
    ],
  });
  const phases = { ...counts.phases, during: { ...counts.phases.during, accepted: 100 } };
  const receipt = receiptOf({ ...counts, phases }, []);
  expect(receipt.during).toEqual({ accepted: 100, served: 98, failed: 2, aborted: 0, p50Ms: 3, p99Ms: 90 });
  expect(receipt.before).toMatchObject({ accepted: 0, p50Ms: null });
});
