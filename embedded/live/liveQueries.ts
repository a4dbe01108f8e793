/**
 * Live queries: each distinct (function, arguments, journal, identity where it matters) is run once and shared by all
 * its subscribers; a commit re-runs exactly those whose read ranges it touched.
 */
import type { JSONValue } from "convex/values";
import { identityKey, type Identity } from "../auth/identity.ts";
import type { Failure } from "../runtime/errors.ts";
import { IntervalIndex } from "./intervalIndex.ts";
import type { ReadSet, Touched } from "./readSet.ts";

export interface QueryRequest {
  /** Canonical path, `messages.js:list`. */
  readonly path: string;
  readonly args: JSONValue;
  /** The end cursor of an earlier run of a paginated query. */
  readonly journal: string | null;
  readonly identity: Identity;
}

export type QueryOutcome =
  { readonly ok: true; readonly json: string } | { readonly ok: false; readonly failure: Failure };

export interface QueryRun {
  readonly outcome: QueryOutcome;
  readonly logLines: readonly string[];
  readonly journal: string | null;
  readonly reads: ReadSet;
  readonly usedIdentity: boolean;
}

/** One subscriber's hold on a live query. */
export interface Subscription {
  readonly request: QueryRequest;
  /** The latest run; `version` rises whenever the subscriber should be told of it. */
  readonly run: QueryRun;
  readonly version: number;
}

interface Held extends Subscription {
  run: QueryRun;
  version: number;
  entry: Entry;
  /** Called when the result has changed; it must only take note. */
  readonly onChange: () => void;
}

/** A query that was run once for all its subscribers. */
interface Entry {
  readonly request: QueryRequest;
  /** What to run next time: with the last run's journal, so that a page keeps its bounds while rows come and go. */
  next: QueryRequest;
  run: QueryRun;
  key: string;
  readonly subscribers: Set<Held>;
}

const baseKey = ({ path, args, journal, identity }: QueryRequest): string =>
  JSON.stringify([path, args, journal, identity.kind === "admin"]);

const personalKey = (request: QueryRequest): string => `${baseKey(request)}${identityKey(request.identity)}`;

const withJournal = (request: QueryRequest, { journal }: QueryRun): QueryRequest =>
  journal === null || journal === request.journal ? request : { ...request, journal };

function notify(held: Held): void {
  held.version++;
  held.onChange();
}

const sameOutcome = (a: QueryRun, b: QueryRun): boolean =>
  a.outcome.ok && b.outcome.ok
    ? a.outcome.json === b.outcome.json && a.journal === b.journal
    : !a.outcome.ok &&
      !b.outcome.ok &&
      a.outcome.failure.message === b.outcome.failure.message &&
      JSON.stringify(a.outcome.failure.data) === JSON.stringify(b.outcome.failure.data);

/** Runs queries, interrupting those that take too long. */
export interface QueryRunner {
  one(request: QueryRequest): QueryRun | Promise<QueryRun>;
  /** Runs several in order; `ended` gets each answer. Returns how many it has taken: a promise ends the series. */
  series(
    requests: readonly QueryRequest[],
    ended: (i: number, run: QueryRun | Promise<QueryRun>) => void,
  ): number;
}

export class LiveQueries {
  readonly #entries = new Set<Entry>();
  readonly #byKey = new Map<string, Entry>();
  readonly #ranges = new Map<number, IntervalIndex<Entry>>();
  readonly #dirty = new Set<Entry>();
  readonly #runner: QueryRunner;
  /** How many times queries were run, for tests and benchmarks. */
  runs = 0;

  constructor(runner: QueryRunner) {
    this.#runner = runner;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Subscribes, running the query unless somebody already has its result. Call it in the executor only. */
  async subscribe(request: QueryRequest, onChange: () => void): Promise<Subscription> {
    const entry = await this.#entryFor(request);
    const held: Held = { request, run: entry.run, version: 1, entry, onChange };
    entry.subscribers.add(held);
    return held;
  }

  unsubscribe(subscription: Subscription): void {
    const held = subscription as Held;
    held.entry.subscribers.delete(held);
    this.#dropIfUnused(held.entry);
  }

  async #entryFor(request: QueryRequest): Promise<Entry> {
    const shared = this.#byKey.get(baseKey(request)) ?? this.#byKey.get(personalKey(request));
    if (shared !== undefined) return shared;
    const running = this.#execute(request);
    const run = running instanceof Promise ? await running : running;
    const key = run.usedIdentity ? personalKey(request) : baseKey(request);
    const entry: Entry = { request, next: withJournal(request, run), run, key, subscribers: new Set() };
    this.#entries.add(entry);
    this.#byKey.set(key, entry);
    this.#watch(entry);
    return entry;
  }

  #dropIfUnused(entry: Entry): void {
    if (entry.subscribers.size > 0) return;
    this.#unwatch(entry);
    this.#dirty.delete(entry);
    this.#entries.delete(entry);
    this.#hide(entry);
  }

  /** Lets nobody else share the entry. */
  #hide(entry: Entry): void {
    if (this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
  }

  /** Notes the queries whose ranges a commit touched. */
  invalidate(touched: readonly Touched[]): void {
    for (const { index, key } of touched) {
      this.#ranges.get(index)?.visit(key, (entry) => this.#dirty.add(entry));
    }
  }

  /** Notes every query: after a push, or a change of the environment. */
  invalidateAll(): void {
    for (const entry of this.#entries) this.#dirty.add(entry);
  }

  get hasDirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Re-runs the noted queries and tells the subscribers of those that changed. Call it in the executor only. */
  async refresh(): Promise<void> {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (let from = 0; from < dirty.length;) {
      const part = dirty.slice(from);
      const runs: (QueryRun | Promise<QueryRun>)[] = [];
      from += this.#runner.series(
        part.map(({ next }) => next),
        (i, run) => {
          runs[i] = run;
        },
      );
      this.runs += runs.length;
      for (const [i, run] of runs.entries()) {
        const ended = run instanceof Promise ? await run : run;
        await this.#update(part[i]!, ended);
      }
    }
  }

  async #update(entry: Entry, run: QueryRun): Promise<void> {
    if (entry.subscribers.size === 0) return;
    this.#unwatch(entry);
    const changed = !sameOutcome(entry.run, run);
    entry.run = run;
    entry.next = withJournal(entry.next, run);
    this.#watch(entry);
    if (run.usedIdentity && entry.key === baseKey(entry.request)) await this.#makePersonal(entry);
    // A page that has kept its bounds is not what somebody who asks for it anew should get.
    if (entry.next !== entry.request) this.#hide(entry);
    for (const held of entry.subscribers) {
      held.run = run;
      if (changed) notify(held);
    }
  }

  /** The query has begun to ask who calls: its subscribers with other identities must not see this result. */
  async #makePersonal(entry: Entry): Promise<void> {
    this.#hide(entry);
    entry.key = personalKey(entry.request);
    this.#byKey.set(entry.key, entry);
    for (const held of [...entry.subscribers]) {
      if (personalKey(held.request) === entry.key) continue;
      entry.subscribers.delete(held);
      const own = await this.#entryFor({ ...held.request, journal: entry.next.journal });
      held.entry = own;
      held.run = own.run;
      own.subscribers.add(held);
      notify(held);
    }
    this.#dropIfUnused(entry);
  }

  #execute(request: QueryRequest): QueryRun | Promise<QueryRun> {
    this.runs++;
    return this.#runner.one(request);
  }

  #watch(entry: Entry): void {
    for (const [index, intervals] of entry.run.reads.entries()) {
      let ranges = this.#ranges.get(index);
      if (ranges === undefined) this.#ranges.set(index, (ranges = new IntervalIndex()));
      for (const interval of intervals) ranges.add(interval, entry);
    }
  }

  #unwatch(entry: Entry): void {
    for (const [index, intervals] of entry.run.reads.entries()) {
      const ranges = this.#ranges.get(index);
      for (const interval of intervals) ranges?.remove(interval, entry);
      if (ranges?.size === 0) this.#ranges.delete(index);
    }
  }
}
