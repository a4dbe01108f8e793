/**
 * The one queue in which everything that touches the database runs, one thing at a time.
 * Mutations that wait behind each other share one SQL transaction (each in a savepoint) and one disk flush; nobody is
 * answered before that. Everything else runs between such groups, so it sees committed data only.
 */
import type { Touched } from "../live/readSet.ts";
import type { Store } from "../storage/store.ts";
import { runGuarded, runSteps } from "./realm.ts";

/** What a mutation leaves behind when its code has run. */
export interface MutationEnd<T> {
  readonly commit: boolean;
  readonly value: T;
  readonly touched: readonly Touched[];
  readonly scheduledJobs: boolean;
  /** Called inside the transaction, before the commit, when `commit` is true. */
  readonly beforeCommit?: () => void;
}

export interface Committed<T> {
  readonly value: T;
  /** The mutation's own timestamp when it was committed, null otherwise. */
  readonly ts: bigint | null;
}

interface MutationJob {
  readonly kind: "mutation";
  run(ts: bigint): MutationEnd<unknown> | Promise<MutationEnd<unknown>>;
  /** The end of a mutation whose code was interrupted. */
  interrupted(): MutationEnd<unknown>;
  /** Called when the mutation is durable (or has failed), before live queries are brought up to date. */
  settled(value: unknown): void;
  resolve(result: Committed<unknown>): void;
  reject(error: unknown): void;
}

interface QueryJob {
  readonly kind: "query";
  run(): unknown;
  /** The answer of a query whose code was interrupted. */
  late(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface OtherJob {
  readonly kind: "other";
  run(): Promise<void>;
}

type Job = MutationJob | QueryJob | OtherJob;

export interface ExecutorHooks {
  /** After a group of mutations, before anything else runs: re-run live queries and tell clients. */
  afterCommit(touched: readonly Touched[], scheduledJobs: boolean): Promise<void>;
  /** After each job that is no mutation. */
  afterOther(): Promise<void>;
  /** After a function was interrupted: its realms are unusable. */
  interrupted(): void;
}

const MAX_GROUP = 64;
/** A group takes no further mutation after this long, so that queries are not kept waiting. */
const GROUP_MS = 15;

export class Executor {
  readonly #store: Store;
  readonly #hooks: ExecutorHooks;
  readonly #wallTimeoutMs: number;
  readonly #queue: Job[] = [];
  #running = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(store: Store, wallTimeoutMs: number, hooks: ExecutorHooks) {
    this.#store = store;
    this.#wallTimeoutMs = wallTimeoutMs;
    this.#hooks = hooks;
  }

  /** Runs a mutation in its turn; resolves after it is durable and live queries have been brought up to date. */
  mutation<T>(
    run: (ts: bigint) => MutationEnd<T> | Promise<MutationEnd<T>>,
    interrupted: () => MutationEnd<T>,
    settled: (value: T) => void = () => {},
  ): Promise<Committed<T>> {
    return new Promise((resolve, reject) => {
      this.#push({
        kind: "mutation",
        run,
        interrupted,
        settled: (value) => settled(value as T),
        resolve: (result) => resolve(result as Committed<T>),
        reject,
      });
    });
  }

  /** Runs a query's code in its turn; `late` gives the answer when it was interrupted for taking too long. */
  query<T>(run: () => T | Promise<T>, late: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "query", run, late, resolve: (value) => resolve(value as T), reject });
    });
  }

  /** Runs anything else in its turn, alone. */
  other<T>(run: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "other", run: () => Promise.resolve().then(run).then(resolve, reject) });
    });
  }

  /** Runs a piece of function code and interrupts it when it takes too long; `late` gives the answer then. */
  guard<T>(run: () => T, late: () => T): T {
    let result: { value: T } | null = null;
    const finished = runGuarded(this.#wallTimeoutMs, () => {
      result = { value: run() };
    });
    if (!finished) this.#hooks.interrupted();
    return finished && result !== null ? (result as { value: T }).value : late();
  }

  /** Runs many pieces of function code with as few watchdogs as possible; see `runSteps`. */
  steps(step: () => boolean, interrupted: () => void): void {
    runSteps(this.#wallTimeoutMs, step, () => {
      this.#hooks.interrupted();
      interrupted();
    });
  }

  /** Refuses new work and resolves when the queue is empty. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#running && this.#queue.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #push(job: Job): void {
    if (this.#closed) throw new Error("The backend is shutting down.");
    this.#queue.push(job);
    if (this.#running) return;
    this.#running = true;
    // Not at once: what arrives in the same turn of the event loop joins the group.
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (next.kind === "mutation") {
        await this.#runGroup();
      } else if (next.kind === "query") {
        await this.#runQueries();
      } else {
        this.#queue.shift();
        await next.run();
        await this.#hooks.afterOther();
      }
      // Sockets and timers get their turn between jobs.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Runs queries that wait behind each other: one watchdog for all of them. */
  async #runQueries(): Promise<void> {
    const started = performance.now();
    const ended: (() => void)[] = [];
    const open: QueryJob[] = [];
    let waiting: { job: QueryJob; answer: Promise<unknown> } | null = null;
    const settle = (job: QueryJob, value: unknown): void => {
      ended.push(() => job.resolve(value));
      open.length = 0;
    };
    runSteps(
      this.#wallTimeoutMs,
      () => {
        const job = this.#queue[0];
        const hasTime = ended.length === 0 || performance.now() - started < GROUP_MS;
        if (job?.kind !== "query" || !hasTime || waiting !== null) return false;
        this.#queue.shift();
        open.push(job);
        try {
          const answer = job.run();
          if (answer instanceof Promise) waiting = { job, answer };
          else settle(job, answer);
        } catch (error) {
          open.length = 0;
          job.reject(error);
        }
        return waiting === null;
      },
      () => {
        this.#hooks.interrupted();
        const [late] = open;
        if (late !== undefined) settle(late, late.late());
      },
    );
    for (const tell of ended) tell();
    if (waiting !== null) {
      const { job, answer } = waiting as { job: QueryJob; answer: Promise<unknown> };
      await this.#bounded(answer, () => {
        this.#hooks.interrupted();
        return job.late();
      }).then(job.resolve, job.reject);
    }
    await this.#hooks.afterOther();
  }

  async #runGroup(): Promise<void> {
    const { driver, catalog } = this.#store;
    const done: { job: MutationJob; end: MutationEnd<unknown>; ts: bigint }[] = [];
    const started = performance.now();
    let ts = this.#store.nextTs() - 1n;
    driver.prepare("BEGIN IMMEDIATE").run();
    try {
      const hasRoom = (): boolean =>
        this.#queue[0]?.kind === "mutation" &&
        done.length < MAX_GROUP &&
        (done.length === 0 || performance.now() - started < GROUP_MS);
      while (hasRoom()) {
        const open: { job: MutationJob; ts: bigint; waiting: Promise<MutationEnd<unknown>> | null }[] = [];
        const settle = (job: MutationJob, end: MutationEnd<unknown>, at: bigint): void => {
          this.#endSavepoint(end);
          done.push({ job, end, ts: at });
          open.length = 0;
        };
        runSteps(
          this.#wallTimeoutMs,
          () => {
            if (!hasRoom()) return false;
            const job = this.#queue.shift() as MutationJob;
            ts += 1n;
            driver.prepare("SAVEPOINT job").run();
            open.push({ job, ts, waiting: null });
            const end = this.#startJob(job, ts);
            if (end === null) open.length = 0;
            else if (end instanceof Promise) open[0]!.waiting = end;
            else settle(job, end, ts);
            return open.length === 0;
          },
          () => {
            this.#hooks.interrupted();
            const late = open[0];
            if (late !== undefined) settle(late.job, { ...late.job.interrupted(), commit: false }, late.ts);
          },
        );
        const waiting = open[0];
        if (waiting?.waiting != null)
          await this.#finishLater(waiting.job, waiting.waiting, waiting.ts, settle);
      }
      const commits = done.some(({ end }) => end.commit);
      if (commits) this.#store.markCommitted(ts);
      driver.prepare(commits ? "COMMIT" : "ROLLBACK").run();
    } catch (error) {
      // The disk is full or failing: nothing of the group has happened.
      try {
        driver.prepare("ROLLBACK").run();
      } catch {
        // SQLite has already rolled back.
      }
      catalog.reload();
      for (const { job } of done) job.reject(error);
      return;
    }
    const committed = done.filter(({ end }) => end.commit);
    for (const { job, end } of done) job.settled(end.value);
    await this.#hooks.afterCommit(
      committed.flatMap(({ end }) => end.touched),
      committed.some(({ end }) => end.scheduledJobs),
    );
    for (const { job, end, ts: own } of done) job.resolve({ value: end.value, ts: end.commit ? own : null });
  }

  /** The same limit for code that waits for something outside, such as Web Crypto. */
  async #bounded<T>(running: Promise<T>, late: () => T): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(late()), this.#wallTimeoutMs);
    });
    try {
      return await Promise.race([running, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Null when the job has been rejected for a fault of the backend itself. */
  #startJob(job: MutationJob, ts: bigint): MutationEnd<unknown> | Promise<MutationEnd<unknown>> | null {
    try {
      return job.run(ts);
    } catch (error) {
      this.#undoJob();
      job.reject(error);
      return null;
    }
  }

  async #finishLater(
    job: MutationJob,
    running: Promise<MutationEnd<unknown>>,
    ts: bigint,
    settle: (job: MutationJob, end: MutationEnd<unknown>, ts: bigint) => void,
  ): Promise<void> {
    const end = await this.#bounded(running, () => {
      this.#hooks.interrupted();
      return { ...job.interrupted(), commit: false };
    }).catch((error: unknown) => {
      this.#undoJob();
      job.reject(error);
      return null;
    });
    if (end !== null) settle(job, end, ts);
  }

  #endSavepoint(end: MutationEnd<unknown>): void {
    if (!end.commit) return this.#undoJob();
    end.beforeCommit?.();
    this.#store.driver.prepare("RELEASE job").run();
  }

  #undoJob(): void {
    const { driver, catalog } = this.#store;
    driver.prepare("ROLLBACK TO job").run();
    driver.prepare("RELEASE job").run();
    catalog.reload();
  }
}
