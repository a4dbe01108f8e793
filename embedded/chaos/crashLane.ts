/** One server that is killed again and again, and the clients that write to it all the while. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { api } from "../conformance/app/convex/_generated/api.js";
import { until } from "../conformance/driver.ts";
import { ServerProcess } from "../conformance/serverProcess.ts";

const CLIENTS = 4;
const IN_FLIGHT = 60;
const ANSWER_BOUND_MS = 60_000;
const PAGE = 4_000;

/** A client that keeps `IN_FLIGHT` numbered mutations under way while it is running. */
class Writer {
  readonly name: string;
  readonly #client: ConvexClient;
  readonly #pending = new Set<Promise<unknown>>();
  #next = 0;
  #running = false;
  acknowledged = 0;
  /** What the subscription to this writer's last number has shown, in order. */
  readonly shown: number[] = [];

  constructor(url: string, name: string) {
    this.name = name;
    this.#client = new ConvexClient(url, { logger: false });
    this.#client.onUpdate(api.clients.tail, { client: name }, (tail) => void this.shown.push(tail));
  }

  get issued(): number {
    return this.#next;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  start(): void {
    this.#running = true;
    while (this.#pending.size < IN_FLIGHT) this.#issue();
  }

  #issue(): void {
    const sent = this.#client
      .mutation(api.clients.append, { client: this.name, n: this.#next++ })
      .then(() => {
        this.acknowledged++;
        this.#pending.delete(sent);
        if (this.#running) this.#issue();
      });
    this.#pending.add(sent);
  }

  /** Schedules a function that writes `label` a little later. */
  async schedule(label: string, by: "mutation" | "action", delayMs: number): Promise<string> {
    return await this.#client.mutation(api.scheduling.soon, { label, by, delayMs });
  }

  stop(): void {
    this.#running = false;
  }

  /** Resolves when every mutation has been answered. */
  async settled(): Promise<void> {
    await until(`${this.name} is answered`, () => Promise.resolve(this.#pending.size === 0), ANSWER_BOUND_MS);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

export interface Round {
  /** Mutations without an answer when the server died. */
  readonly inFlight: number;
  readonly acknowledged: number;
}

export interface ScheduledJob {
  readonly id: string;
  readonly label: string;
  readonly by: "mutation" | "action";
}

export class CrashLane {
  readonly server = new ServerProcess({ pushOnce: true });
  readonly jobs: ScheduledJob[] = [];
  #writers: Writer[] = [];
  #http!: ConvexHttpClient;
  /** Each writer's numbers in the order in which the database has them. */
  readonly written = new Map<string, number[]>();
  #readUpTo = 0;

  async open(): Promise<void> {
    await this.server.start();
    this.#http = new ConvexHttpClient(this.server.url, { logger: false });
    this.#writers = Array.from({ length: CLIENTS }, (_, i) => new Writer(this.server.url, `writer ${i}`));
  }

  get writers(): readonly Writer[] {
    return this.#writers;
  }

  get acknowledged(): number {
    return this.#writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Writes until `more` further answers have come, kills the server, starts it again, waits until all is answered. */
  async round(
    number: number,
    more: number,
    job: Pick<ScheduledJob, "by"> & { delayMs: number },
  ): Promise<Round> {
    const label = `job ${number}`;
    const scheduled = this.#writers[0]!.schedule(label, job.by, job.delayMs);
    for (const writer of this.#writers) writer.start();
    const enough = this.acknowledged + more;
    await until("the answers come", () => Promise.resolve(this.acknowledged >= enough), ANSWER_BOUND_MS);
    const inFlight = this.#writers.reduce((sum, writer) => sum + writer.inFlight, 0);
    const acknowledged = this.acknowledged;
    const killed = this.server.kill();
    for (const writer of this.#writers) writer.stop();
    await killed;
    await this.server.start();
    await Promise.all(this.#writers.map((writer) => writer.settled()));
    this.jobs.push({ id: await scheduled, label, by: job.by });
    await this.#readOn();
    return { inFlight, acknowledged };
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const page = await this.#http.query(api.clients.writtenAfter, { after: this.#readUpTo, take: PAGE });
      for (const [client, n] of page.entries) {
        const known = this.written.get(client);
        if (known === undefined) this.written.set(client, [n]);
        else known.push(n);
      }
      this.#readUpTo = page.last;
      if (page.entries.length < PAGE) return;
    }
  }

  /** Waits until the subscriptions show what was written last. */
  async subscriptionsCaughtUp(): Promise<void> {
    for (const { name, issued, shown } of this.#writers) {
      const isThere = (): Promise<boolean> => Promise.resolve(shown.at(-1) === issued - 1);
      await until(
        `the subscription of ${name} shows ${issued - 1}, not ${shown.at(-1)}`,
        isThere,
        ANSWER_BOUND_MS,
      );
    }
  }

  async appended(): Promise<number> {
    return await this.#http.query(api.clients.appended, {});
  }

  /** Waits until no scheduled function is left, and tells how often each job has written and how it ended. */
  async jobOutcomes(): Promise<(ScheduledJob & { times: number; state: string | null })[]> {
    const unfinished = async () => (await this.#http.query(api.scheduling.unfinished, {})) === 0;
    await until("the scheduled functions end", unfinished, ANSWER_BOUND_MS);
    return await Promise.all(
      this.jobs.map(async (job) => {
        const spec = {
          ...{ table: "items", index: "by_label", terminal: { kind: "count" } },
          range: [{ op: "eq", field: "label", value: job.label }],
        };
        const times = (await this.#http.query(api.rows.find, { spec })) as number;
        const state = (await this.#http.query(api.scheduling.job, { id: job.id }))?.state ?? null;
        return { ...job, times, state };
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.close()));
    await this.server.dispose();
  }
}
