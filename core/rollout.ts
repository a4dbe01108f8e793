import * as z from "zod";
import { parseDuration } from "./units.ts";

/** How a deploy goes from one revision of its services to the next (docs/deploys.md). */

const HOUR_MS = 3_600_000;

function duration(leastMs: number, mostMs: number, range: string) {
  return z.string({ error: "a duration with its unit, like 30s or 10m" }).superRefine((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === null) {
      context.addIssue({ code: "custom", message: "a duration with its unit, like 30s or 10m" });
    } else if (milliseconds < leastMs || milliseconds > mostMs) {
      context.addIssue({ code: "custom", message: range });
    }
  });
}

/** What a manifest says of it, as `environments.deploy.rollout`. */
export const vRolloutManifest = z
  .strictObject({
    /** How long new containers may take until all of them answer. */
    start: duration(1000, HOUR_MS, "1s to 1h").default("2m"),
    /** How long old containers may go on with requests that they have, and with streams (WebSockets, events). */
    drain: duration(1000, HOUR_MS, "1s to 1h").default("30s"),
    streams: duration(1000, 24 * HOUR_MS, "1s to 24h").default("10m"),
    /** How long after a switch it is watched at most: it ends sooner, after 200 requests. */
    watch: duration(1000, HOUR_MS, "1s to 1h").default("10s"),
    /** A switch undoes itself from so many failed requests on, or so many that clients gave up, … */
    errors: z.int("a whole number").min(1, "at least 1").max(1_000_000, "at most 1000000").default(5),
    /** … that are so many percentage points more of all than before. */
    points: z.number("percentage points").min(0, "at least 0").max(100, "at most 100").default(5),
    /** How long the release before is kept ready for a rollback. */
    keep: duration(0, 24 * HOUR_MS, "0s to 24h").default("10m"),
  })
  .prefault({});

export type RolloutPolicy = {
  startMs: number;
  drainMs: number;
  streamsMs: number;
  watchMs: number;
  errors: number;
  points: number;
  keepMs: number;
};

export function rolloutPolicy(manifest: z.output<typeof vRolloutManifest>): RolloutPolicy {
  const { start, drain, streams, watch, errors, points, keep } = manifest;
  const ms = (text: string) => parseDuration(text)!;
  return {
    startMs: ms(start),
    drainMs: ms(drain),
    streamsMs: ms(streams),
    watchMs: ms(watch),
    errors,
    points,
    keepMs: ms(keep),
  };
}

/** A rollout that was undone. What it was to bring is not tried again until somebody asks for it anew. */
export type UndoneRollout = {
  /** The rollout's id, which tells when it began. */
  id: string;
  /** What it was to bring: services with their revisions, as `web:1a2b3c4d api:…`. */
  revisions: string;
  /** How often somebody had asked for what is wanted by then (core/projectSpec.ts, `RolloutSpec`). */
  attempt: number;
  cause: string;
};

export const RECEIPT_PHASES = ["before", "during", "after"] as const;

/** How requests fared that began in one phase of a switch, as the gateway counted them. */
export type ReceiptPhase = {
  accepted: number;
  served: number;
  /** Answered with 5xx, or broken off by the container. */
  failed: number;
  /** The client left. */
  aborted: number;
  /** Of what ended, but for WebSockets and event streams: half, and 99 of 100, took at most so many ms (to a tenth); null where none ended. */
  p50Ms: number | null;
  p99Ms: number | null;
};

/** What a switch cost its users: `during` is from the switch until the old containers were done, `after` what was watched. */
export type Receipt = Record<(typeof RECEIPT_PHASES)[number], ReceiptPhase> & {
  /** What had not ended when it was written; not given: nobody asked then. */
  unfinished?: Unfinished;
};

export type Unfinished = {
  /** Requests that the old containers had no time for any more: they were ended. */
  cut: number;
  /** WebSockets and event streams that the old containers go on with, until their own bound. */
  streams: number;
  /** Requests to the new containers whose answers had not ended after 5 s. */
  waiting: number;
};

/** `1204 requests accepted, 1204 served, 0 failed; p99 12 ms before, 14 ms during, 11 ms after` */
export function describeReceipt(receipt: Receipt): string {
  const sum = (field: "accepted" | "served" | "failed" | "aborted") =>
    RECEIPT_PHASES.reduce((total, phase) => total + receipt[phase][field], 0);
  const latencies = RECEIPT_PHASES.flatMap((phase) => {
    const { p50Ms, p99Ms } = receipt[phase];
    return p99Ms === null ? [] : [`${p50Ms}/${p99Ms} ms ${phase}`];
  });
  const aborted = sum("aborted") > 0 ? `, ${sum("aborted")} left by their clients` : "";
  const unfinished = receipt.unfinished ? describeUnfinished(receipt.unfinished) : "";
  const timing = latencies.length > 0 ? `; p50/p99 ${latencies.join(", ")}` : "";
  return `${sum("accepted")} requests accepted, ${sum("served")} served, ${sum("failed")} failed${aborted}${unfinished}${timing}`;
}

function describeUnfinished({ cut, streams, waiting }: Unfinished): string {
  return [
    cut > 0 ? `, ${cut} cut off by the drain bound` : "",
    waiting > 0 ? `, ${waiting} not answered after 5 s` : "",
    streams > 0 ? `, ${streams} ${streams === 1 ? "stream of before goes" : "streams of before go"} on` : "",
  ].join("");
}
