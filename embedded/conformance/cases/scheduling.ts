/** Scheduled functions and crons. */
import { api, internal } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import { until, type Driver } from "../driver.ts";
import { attempt } from "../errorClass.ts";

const settled = (t: Driver): Promise<void> =>
  until("the scheduled functions end", async () => (await t.query(api.scheduling.unfinished, {})) === 0);

const labels = (t: Driver): Promise<string[]> => t.internal.query(internal.nested.labels, {});

const cases: Case[] = [
  {
    name: "runs a mutation later, as nobody",
    run: async (t) => {
      const person = { subject: "s", issuer: "https://issuer.test" };
      const id = await t.as(person).mutation(api.scheduling.soon, { label: "later", delayMs: 1_000 });
      const before = await labels(t);
      await settled(t);
      const spec = { table: "items", terminal: { kind: "collect" } };
      return [
        before,
        await t.query(api.rows.find, { spec }),
        (await t.query(api.scheduling.job, { id }))?.state,
      ];
    },
    expected: [[], [{ _creationTime: "<time>", _id: "<id 1>", group: "nobody", label: "later" }], "success"],
  },
  {
    name: "runs an action later",
    run: async (t) => {
      const id = await t.mutation(api.scheduling.soon, { label: "by action", delayMs: 0, by: "action" });
      await settled(t);
      return [await labels(t), (await t.query(api.scheduling.job, { id }))?.state];
    },
    expected: [["by action"], "success"],
  },
  {
    name: "runs at a time, and at once when it is past",
    run: async (t) => {
      await t.mutation(api.scheduling.at, { label: "past", time: Date.now() - 60_000 });
      await t.mutation(api.scheduling.at, { label: "soon", time: Date.now() + 40 });
      await settled(t);
      return await labels(t);
    },
    expected: ["past", "soon"],
  },
  {
    name: "schedules from an action",
    run: async (t) => {
      await t.action(api.scheduling.fromAction, { label: "from action" });
      await settled(t);
      return await labels(t);
    },
    expected: ["from action"],
  },
  {
    name: "runs every job of one time, in whatever order",
    run: async (t) => {
      const order = Array.from({ length: 12 }, (_, i) => `job ${i}`);
      await t.mutation(api.scheduling.together, { labels: order });
      await settled(t);
      return (await labels(t)).sort();
    },
    expected: Array.from({ length: 12 }, (_, i) => `job ${i}`).sort(),
  },
  {
    name: "lets a job schedule the next",
    run: async (t) => {
      await t.mutation(api.scheduling.startChain, { steps: 5 });
      await until("the chain ends", async () => (await labels(t)).length === 5);
      await settled(t);
      return await labels(t);
    },
    expected: ["step 5", "step 4", "step 3", "step 2", "step 1"],
  },
  {
    name: "schedules nothing when the mutation fails",
    run: async (t) => [
      await attempt(() => t.mutation(api.scheduling.soon, { label: "x", delayMs: 0, thenThrow: true })),
      await t.query(api.scheduling.unfinished, {}),
      await labels(t),
    ],
    expected: [{ error: "thrown", text: "the schedule must not stay" }, 0, []],
    convexTest: { lacks: "it runs a job of a rolled-back mutation into its own invariant error" },
  },
  {
    name: "marks a job that failed, and keeps nothing of it",
    run: async (t) => {
      const id = await t.mutation(api.scheduling.soon, { label: "fails", delayMs: 0, fail: true });
      const other = await t.mutation(api.scheduling.soon, {
        label: "x",
        delayMs: 0,
        fail: true,
        by: "action",
      });
      await settled(t);
      const state = async (job: string) => (await t.query(api.scheduling.job, { id: job }))?.state;
      return [await state(id), await state(other), await labels(t)];
    },
    expected: ["failed", "failed", []],
  },
  {
    name: "cancels a job",
    run: async (t) => {
      const id = await t.mutation(api.scheduling.soon, { label: "never", delayMs: 60 });
      await t.mutation(api.scheduling.cancel, { id });
      const marker = await t.mutation(api.scheduling.soon, { label: "marker", delayMs: 90 });
      await until(
        "the marker runs",
        async () => (await t.query(api.scheduling.job, { id: marker }))?.state === "success",
      );
      return [(await t.query(api.scheduling.job, { id }))?.state, await labels(t)];
    },
    expected: ["canceled", ["marker"]],
  },
  {
    name: "shows a pending job with its arguments",
    run: async (t) => {
      const id = await t.mutation(api.scheduling.soon, { label: "shown", delayMs: 3_600_000 });
      const job = await t.query(api.scheduling.job, { id });
      await t.mutation(api.scheduling.cancel, { id });
      return { ...job, name: job?.name.replace(".js", "") };
    },
    expected: { args: [{ label: "shown" }], name: "scheduling:note", state: "pending" },
  },
  {
    name: "names a job's function with its file",
    run: async (t) => {
      const id = await t.mutation(api.scheduling.soon, { label: "x", delayMs: 3_600_000 });
      const name = (await t.query(api.scheduling.job, { id }))?.name;
      await t.mutation(api.scheduling.cancel, { id });
      return name;
    },
    expected: "scheduling.js:note",
    convexTest: { differs: "it names functions without the file's ending" },
  },
  {
    name: "runs cron jobs",
    run: async (t) => {
      const before = await t.query(api.ticking.ticks, {});
      await until("the cron job runs", async () => (await t.query(api.ticking.ticks, {})) > before);
      return ((await t.query(api.ticking.ticks, {})) - before) % 2;
    },
    expected: 0,
    convexTest: { lacks: "it runs no cron jobs" },
  },
];

export const scheduling: Area = { area: "scheduling", cases };
