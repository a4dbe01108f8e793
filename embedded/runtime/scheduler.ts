/**
 * Starts scheduled functions and cron jobs when they are due. Everything it knows is in the database: a mutation and
 * the note that it has run commit together (exactly once); an action is marked before it starts (at most once).
 */
import { performance } from "node:perf_hooks";
import type { JSONValue } from "convex/values";
import type { Logger } from "../log.ts";
import { nextRun } from "../crons/nextRun.ts";
import { parseSpec, ruleOf } from "./crons.ts";
import type { FunctionKind } from "./functions.ts";
import { canonicalPath } from "./functions.ts";
import { readJob, RUNNING, SCHEDULED, scheduleJob, setJobState, type Job } from "./scheduledFunctions.ts";
import type { Transaction } from "./transaction.ts";
import type { Store } from "../storage/store.ts";
import { parseDocument } from "../storage/documents.ts";

/** What the scheduler needs of the backend. */
export interface SchedulerBackend {
  readonly store: Store;
  kindOf(path: string): FunctionKind | null;
  /** Runs plain code in a write transaction of its own. */
  write<T>(work: (tx: Transaction) => T): Promise<T>;
  /** Runs code between transactions. */
  read<T>(work: () => T): Promise<T>;
  /** Runs a mutation and records its end in the same transaction. */
  runScheduledMutation(jobId: string): Promise<void>;
  runScheduledAction(jobId: string, path: string, args: JSONValue): Promise<{ error: string | null }>;
}

const MAX_PARALLEL_ACTIONS = 64;
const BATCH = 32;
const MAX_SLEEP_MS = 60_000;
const PRUNE_EVERY_MS = 3_600_000;
const KEEP_ENDED_MS = 7 * 24 * 3_600_000;
const KEEP_REQUESTS_MS = 24 * 3_600_000;
const PRUNE_BATCH = 500;

export class Scheduler {
  readonly #backend: SchedulerBackend;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #starting = new Set<string>();
  readonly #actions = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #ticking = false;
  #again = false;
  #stopped = true;
  #prunedAt = -Infinity;

  constructor(backend: SchedulerBackend, now: () => number, log: Logger) {
    this.#backend = backend;
    this.#now = now;
    this.#log = log;
  }

  /** Fails the actions that the last process left unfinished, and begins. */
  async start(): Promise<void> {
    await this.#backend.write((tx) => {
      const rows = tx.store.driver.prepare("SELECT id FROM jobs WHERE due >= ?").all(RUNNING);
      for (const row of rows) {
        const error = "The action was interrupted because the server stopped while it ran.";
        setJobState(tx, row["id"] as string, { kind: "failed", error }, this.#now());
      }
    });
    this.#stopped = false;
    this.poke();
  }

  /** Looks for due work soon; call it after anything was scheduled. */
  poke(): void {
    if (this.#stopped) return;
    if (this.#ticking) {
      this.#again = true;
      return;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#ticking = true;
    void this.#tick()
      .catch((error: unknown) => {
        if (!this.#stopped) this.#log("error", "scheduler.failed", { message: (error as Error).message });
      })
      .finally(() => {
        this.#ticking = false;
        if (this.#again) {
          this.#again = false;
          this.poke();
        } else if (!this.#stopped && this.#timer === null) {
          this.#sleep(MAX_SLEEP_MS);
        }
      });
  }

  /** Starts nothing more and waits, up to `graceMs`, for the actions that run. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([Promise.all(this.#actions), grace]);
    clearTimeout(timer);
  }

  #sleep(ms: number): void {
    this.#timer = setTimeout(() => this.poke(), Math.min(Math.max(ms, 1), MAX_SLEEP_MS));
  }

  async #tick(): Promise<void> {
    const now = this.#now();
    await this.#startCrons(now);
    if (performance.now() - this.#prunedAt > PRUNE_EVERY_MS) {
      this.#prunedAt = performance.now();
      await this.#prune(now);
    }
    const due = await this.#backend.read(() =>
      this.#backend.store.driver
        .prepare("SELECT id FROM jobs WHERE due <= ? ORDER BY due LIMIT ?")
        .all(now, BATCH + this.#starting.size)
        .map((row) => row["id"] as string)
        .filter((id) => !this.#starting.has(id)),
    );
    for (const id of due) this.#begin(id);
    if (this.#stopped) return;
    if (due.length >= BATCH) {
      this.#again = true;
      return;
    }
    const next = await this.#backend.read(() => this.#nextDue());
    if (next !== null && !this.#stopped) this.#sleep(next - this.#now());
  }

  #nextDue(): number | null {
    const { driver } = this.#backend.store;
    const waiting = driver.prepare("SELECT id, due FROM jobs WHERE due < ? ORDER BY due LIMIT ?");
    const job = waiting
      .all(RUNNING, this.#starting.size + 1)
      .find((row) => !this.#starting.has(row["id"] as string));
    const cron = driver.prepare("SELECT min(next) AS next FROM crons").get()?.["next"] ?? null;
    const times = [job?.["due"] ?? null, cron].filter((time) => time !== null).map(Number);
    return times.length === 0 ? null : Math.min(...times);
  }

  #begin(id: string): void {
    if (this.#actions.size >= MAX_PARALLEL_ACTIONS) return;
    this.#starting.add(id);
    const running = this.#run(id)
      .catch((error: unknown) => {
        if (!this.#stopped)
          this.#log("error", "scheduler.jobFailed", { id, message: (error as Error).message });
      })
      .finally(() => {
        this.#starting.delete(id);
        this.#actions.delete(running);
        this.poke();
      });
    this.#actions.add(running);
  }

  async #run(id: string): Promise<void> {
    const kind = await this.#backend.read(() => this.#kindOf(id));
    if (kind === "mutation") return this.#backend.runScheduledMutation(id);
    const job = await this.#backend.write((tx) => this.#claim(tx, id));
    if (job === null) return;
    const { error } = await this.#backend.runScheduledAction(id, job.path, job.args);
    await this.#backend.write((tx) => {
      if (readJob(tx, id)?.state.kind !== "inProgress") return;
      setJobState(tx, id, error === null ? { kind: "success" } : { kind: "failed", error }, this.#now());
    });
  }

  #kindOf(id: string): FunctionKind | null {
    const { catalog, documents } = this.#backend.store;
    const stored = documents.get(catalog.table(SCHEDULED)!, id);
    if (stored === null) return null;
    const path = parseDocument(stored.json)["name"];
    return typeof path === "string" ? this.#backend.kindOf(path) : null;
  }

  /** Marks a due action as started. Null when there is nothing to run. */
  #claim(tx: Transaction, id: string): Job | null {
    const job = readJob(tx, id);
    if (job === null || job.state.kind !== "pending") {
      tx.store.driver.prepare("DELETE FROM jobs WHERE id = ?").run(id);
      return null;
    }
    if (this.#backend.kindOf(job.path) !== "action") {
      setJobState(tx, id, { kind: "failed", error: `Could not find function ${job.path}` }, this.#now());
      return null;
    }
    setJobState(tx, id, { kind: "inProgress" }, this.#now());
    return job;
  }

  async #startCrons(now: number): Promise<void> {
    const { driver } = this.#backend.store;
    const due = driver.prepare("SELECT name, spec, next, job FROM crons WHERE next <= ?");
    const any = await this.#backend.read(() => due.all(now).length > 0);
    if (!any) return;
    await this.#backend.write((tx) => {
      for (const row of due.all(now)) {
        const spec = parseSpec(row["spec"] as string);
        const last = row["job"] === null ? null : readJob(tx, row["job"] as string);
        const busy = last?.state.kind === "pending" || last?.state.kind === "inProgress";
        // One run at a time: while the last one runs, this turn is skipped.
        const job = busy ? row["job"] : scheduleJob(tx, canonicalPath(spec.path), spec.args, now, now);
        const update = driver.prepare("UPDATE crons SET next = ?, job = ? WHERE name = ?");
        update.run(nextRun(ruleOf(spec), Number(row["next"]), now), job ?? null, spec.name);
      }
    });
  }

  /** Forgets jobs that ended long ago and old answers to mutations, a bounded number at a time. */
  async #prune(now: number): Promise<void> {
    const more = await this.#backend.write((tx) => {
      const { driver, catalog, documents } = tx.store;
      const table = catalog.table(SCHEDULED)!;
      let removed = 0;
      for (const row of documents.scan(table.byCreation, "", "\xff", "asc", PRUNE_BATCH)) {
        const document = parseDocument(row.json);
        const completed = document["completedTime"];
        if (typeof completed !== "number" || completed > now - KEEP_ENDED_MS) continue;
        tx.removeSystem(table, document["_id"] as string);
        removed++;
      }
      const requests = driver
        .prepare(
          `DELETE FROM requests WHERE (session, request) IN
           (SELECT session, request FROM requests WHERE at < ? ORDER BY at LIMIT ?)`,
        )
        .run(now - KEEP_REQUESTS_MS, PRUNE_BATCH);
      return removed === PRUNE_BATCH || requests === PRUNE_BATCH;
    });
    if (more && !this.#stopped) await this.#prune(now);
  }
}
