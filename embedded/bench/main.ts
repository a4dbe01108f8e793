/**
 * `npm run bench:embedded [-- --sizes 1000,10000,100000 --runs 300 --queries 1,1000,10000 --writes 100]`
 *
 * The embedded backend beside `convex-test` and beside the raw SQLite statements, in one run and as ratios. The three
 * take turns in small groups, so that a noisy moment of the machine falls on all of them. Client and server share this
 * process where a WebSocket is measured, so its figures include both.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { OPERATIONS, embedded, inConvexTest, raw, type Contestant, type Operation } from "./contestants.ts";
import { pipelined, writeToSubscriber } from "./live.ts";
import { median, quantile, spread, table } from "./report.ts";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    runs: { type: "string", default: "300" },
    queries: { type: "string", default: "1,1000,10000" },
    writes: { type: "string", default: "100" },
    mutations: { type: "string", default: "3000" },
    rounds: { type: "string", default: "5" },
  },
});
const numbers = (text: string): number[] => text.split(",").map(Number);
const sizes = numbers(options.sizes);
const runs = Number(options.runs);
const GROUP = 25;
const WARM_UP = 50;
/** `convex-test` looks at every document for each query: above this many it would take minutes. */
const CONVEX_TEST_LIMIT = 10_000;
const CONVEX_TEST_RUNS = 50;

const say = (line = ""): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(path.join(tmpdir(), "bench-embedded-"));
const missed: string[] = [];

function goal(what: string, met: boolean): void {
  say(`  ${met ? "✓" : "✗"} ${what}`);
  if (!met) missed.push(what);
}

/** Milliseconds of each of `count` operations of each contestant, who take turns. */
async function measure(
  contestants: Map<string, Contestant>,
  operation: Operation,
  documents: number,
): Promise<Map<string, number[]>> {
  const times = new Map([...contestants.keys()].map((name) => [name, [] as number[]]));
  const wanted = (name: string): number => (name === "convex-test" ? Math.min(runs, CONVEX_TEST_RUNS) : runs);
  let next = 0;
  const one = async (contestant: Contestant): Promise<number> => {
    const n = (next++ * 7919) % documents;
    const startedAt = performance.now();
    await contestant.run(operation, n);
    return performance.now() - startedAt;
  };
  for (const [name, contestant] of contestants) {
    for (let n = 0; n < Math.min(WARM_UP, wanted(name) / 5); n++) await one(contestant);
  }
  for (let done = 0; done < runs; done += GROUP) {
    for (const [name, contestant] of contestants) {
      for (let n = done; n < Math.min(done + GROUP, wanted(name)); n++)
        times.get(name)!.push(await one(contestant));
    }
  }
  return times;
}

async function operations(): Promise<void> {
  say(
    `Operations, in process, one after the other; ${runs} runs each (convex-test ${CONVEX_TEST_RUNS}), medians in ms`,
  );
  const rows: string[][] = [
    ["operation", "documents", "embedded", "raw SQLite", "÷ raw", "convex-test", "÷ convex-test"],
  ];
  const medians = new Map<string, number>();
  const insertRatios: number[] = [];
  for (const documents of sizes) {
    const contestants = new Map<string, Contestant>([
      ["embedded", await embedded(folder, documents)],
      ["raw", raw(folder, documents)],
    ]);
    if (documents <= CONVEX_TEST_LIMIT) contestants.set("convex-test", await inConvexTest(documents));
    for (const operation of OPERATIONS) {
      const times = await measure(contestants, operation, documents);
      const [ours, limit, test] = [times.get("embedded")!, times.get("raw")!, times.get("convex-test")];
      medians.set(`${operation} ${documents}`, median(ours));
      const ratio = median(ours) / median(limit);
      if (operation === "insert") insertRatios.push(ratio);
      rows.push([
        operation,
        String(documents),
        spread(ours),
        spread(limit),
        ratio.toFixed(2),
        test ? spread(test) : "–",
        test ? (median(ours) / median(test)).toFixed(3) : "–",
      ]);
    }
    for (const contestant of contestants.values()) await contestant.close();
  }
  say(table(rows));
  const [smallest, largest] = [Math.min(...sizes), Math.max(...sizes)];
  for (const operation of OPERATIONS) {
    const growth = medians.get(`${operation} ${largest}`)! / medians.get(`${operation} ${smallest}`)!;
    goal(
      `${operation}: flat from ${smallest} to ${largest} documents (× ${growth.toFixed(2)}, at most × 1.3)`,
      growth <= 1.3,
    );
  }
  const worst = Math.max(...insertRatios);
  goal(`insert: at most 3 raw SQLite transactions (× ${worst.toFixed(2)} at worst)`, worst <= 3);
}

async function liveQueries(): Promise<void> {
  const writes = Number(options.writes);
  say(
    `\nWrite → subscriber over WebSockets, ${writes} writes each, ms from the mutation's call to the callback`,
  );
  const rows: string[][] = [["live queries", "p50", "p95", "p99", "re-runs a write"]];
  for (const queries of numbers(options.queries)) {
    const { latenciesMs, runsPerWrite } = await writeToSubscriber(folder, queries, writes);
    const figures = [0.5, 0.95, 0.99].map((q) => quantile(latenciesMs, q).toFixed(2));
    rows.push([String(queries), ...figures, runsPerWrite.toFixed(2)]);
    if (queries === 1_000) {
      const p50 = quantile(latenciesMs, 0.5);
      goal(`p50 with 1,000 live queries (${p50.toFixed(2)} ms, at most 5 ms)`, p50 <= 5);
    }
    goal(`${queries} live queries: one re-run a write (${runsPerWrite.toFixed(2)})`, runsPerWrite === 1);
  }
  say(table(rows));
}

async function pipeline(): Promise<void> {
  const [mutations, rounds] = [Number(options.mutations), Number(options.rounds)];
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) rates.push(await pipelined(folder, mutations, round));
  const insertsRaw: number[] = [];
  const limit = raw(folder, 1);
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    for (let n = 0; n < 500; n++) await limit.run("insert", n);
    insertsRaw.push(500 / ((performance.now() - startedAt) / 1000));
  }
  await limit.close();
  say(`\nPipelined durable mutations over one WebSocket, ${rounds} rounds of ${mutations}`);
  say(
    `  embedded ${spread(rates, 0)} a second; raw SQLite, one durable transaction each: ${spread(insertsRaw, 0)} a second`,
  );
  goal(`at least 1,500 a second (${median(rates).toFixed(0)})`, median(rates) >= 1_500);
}

try {
  say(
    `${cpus().length} CPUs, load ${loadavg()[0]!.toFixed(1)} at the start. Each figure: median [first to third quartile].\n`,
  );
  await operations();
  await liveQueries();
  await pipeline();
  say(missed.length === 0 ? "\nEvery goal is met." : `\n${missed.length} goals are missed.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
