import { getFunctionName } from "convex/server";
import { ConvexError } from "convex/values";
import * as groups from "../../convex/groups.ts";
import * as maintenance from "../../convex/maintenance.ts";
import * as projects from "../../convex/projects.ts";
import schema from "../../convex/schema.ts";
import * as worker from "../../convex/worker.ts";
import { ISSUER } from "../../core/access.ts";
import { SlipwayError, type ErrorData } from "../../core/errors.ts";
import { Database, type Indexes } from "./database.ts";
import type { Random } from "./random.ts";
import type { VirtualTime } from "./virtualTime.ts";

const MODULES: Record<string, Record<string, unknown>> = { groups, maintenance, projects, worker };

/** Small, so that what is given back is soon given out again, and short, so that it passes within a run. */
export const DEPLOYMENT_VARIABLES = {
  SLIPWAY_SUBNET_POOL: "10.128.0.0/20",
  SLIPWAY_PORT_RANGE: "30000-30063",
  SLIPWAY_FAILED_RETENTION: "2m",
} as const;

const START_MS = 1_700_000_000_000;

export type Role = "admin" | "worker";

/**
 * The control plane's own functions (convex/), on a database in memory: moves, guards, allocation, leases, reports and
 * the inbox are the real ones. What a real deployment adds around them (the wire, subscriptions) is in `fakeControlPlane.ts`.
 */
export class ConvexServer {
  readonly database = new Database(indexesOf(schema));
  private readonly listeners = new Set<() => void>();
  private readonly jobs = new Map<string, () => void>();
  private jobCount = 0;
  private created = 0;
  /** What queries said last, as Convex keeps it, for as long as nothing that they read has changed. */
  private readonly answers = new Map<string, Answer>();
  /** One function at a time, as if each had the whole database for itself. */
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly time: VirtualTime,
    private readonly random: Random,
    /** What happens that nobody foresaw. */
    private readonly onFault: (what: string, error: unknown) => void,
  ) {}

  /** Told after each mutation that changed something. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * Calls one of the deployment's functions by its path, like `worker:report`.
   * @throws SlipwayError where it refuses
   */
  async call<T>(path: string, args: object, role: Role): Promise<T> {
    const mine = this.queue.then(() => this.run<T>(path, args, role));
    this.queue = mine.catch(() => {});
    return await mine;
  }

  /** A query's result, and a way to ask whether it may have become another one since. */
  async subscribe<T>(path: string, args: object, role: Role): Promise<{ value: T; isStale: () => boolean }> {
    const mine = this.queue.then(async () => {
      const answer = await this.ask(path, args, role);
      return { value: answer.value as T, isStale: () => this.isStale(answer) };
    });
    this.queue = mine.catch(() => {});
    return await mine;
  }

  private async ask(path: string, args: object, role: Role): Promise<Answer> {
    const question = `${role} ${path} ${JSON.stringify(args)}`;
    const known = this.answers.get(question);
    if (known && !this.isStale(known)) return known;
    const { value, tables } = await this.database.reads(() => this.handle(path, args, role));
    const answer = { value, tables, version: this.database.version };
    this.answers.set(question, answer);
    return answer;
  }

  private isStale({ tables, version }: Answer): boolean {
    return this.database.hasChanged(tables, version);
  }

  private async run<T>(path: string, args: object, role: Role): Promise<T> {
    if (!definitionOf(path).isMutation) return (await this.ask(path, args, role)).value as T;
    return await this.handle(path, args, role);
  }

  private async handle<T>(path: string, args: object, role: Role): Promise<T> {
    const definition = definitionOf(path);
    const jobs: Job[] = [];
    const context = {
      db: this.database.handle,
      auth: { getUserIdentity: async () => ({ subject: role, issuer: ISSUER, role, tid: `token-${role}` }) },
      scheduler: this.schedulerInto(jobs),
    };
    const version = this.database.version;
    try {
      const result = await this.withItsOwnTime(path, async () => {
        const run = async () => (await definition._handler(context, args)) as T;
        return definition.isMutation ? await this.database.transaction(run) : await run();
      });
      for (const job of jobs) this.schedule(job);
      if (this.database.version !== version) for (const listener of this.listeners) listener();
      return result;
    } catch (error) {
      if (error instanceof ConvexError) throw new SlipwayError(error.data as ErrorData, { cause: error });
      this.onFault(path, error);
      throw error;
    }
  }

  /** Functions read the time and random numbers where Convex offers them: as globals. */
  private async withItsOwnTime<T>(path: string, work: () => Promise<T>): Promise<T> {
    const { now } = Date;
    const { random } = Math;
    // Names that are the same in every run let renderings be used again.
    if (path === "projects:createProject" || path === "groups:createGroup") {
      const at = START_MS + (path === "groups:createGroup" ? 0 : this.created++);
      Date.now = () => at;
      Math.random = () => 0.5;
    } else {
      Date.now = () => START_MS + this.time.ms;
      Math.random = this.random.next;
    }
    try {
      return await work();
    } finally {
      Date.now = now;
      Math.random = random;
    }
  }

  private schedulerInto(jobs: Job[]) {
    const add = (inMs: number, reference: unknown, args: object) => {
      const id = `_scheduled_functions_${++this.jobCount}`;
      jobs.push({ kind: "run", id, inMs, path: getFunctionName(reference as never), args });
      return id;
    };
    return {
      runAfter: async (ms: number, reference: unknown, args: object) => add(ms, reference, args),
      runAt: async (at: number, reference: unknown, args: object) =>
        add(at - START_MS - this.time.ms, reference, args),
      cancel: async (id: string) => void jobs.push({ kind: "cancel", id }),
    };
  }

  private schedule(job: Job): void {
    if (job.kind === "cancel") {
      this.jobs.get(job.id)?.();
      this.jobs.delete(job.id);
      return;
    }
    const run = () => {
      this.jobs.delete(job.id);
      this.call(job.path, job.args, "admin").catch((error: unknown) => this.onFault(job.path, error));
    };
    this.jobs.set(job.id, this.time.after(job.inMs, run));
  }
}

type Job =
  { kind: "run"; id: string; inMs: number; path: string; args: object } | { kind: "cancel"; id: string };

type Answer = { value: unknown; tables: ReadonlySet<string>; version: number };

type Definition = {
  isMutation?: boolean;
  _handler: (context: unknown, args: object) => Promise<unknown>;
};

const definitions = new Map<string, Definition>();

function definitionOf(path: string): Definition {
  const known = definitions.get(path);
  if (known) return known;
  const [module = "", name = ""] = path.split(":");
  const found = MODULES[module]?.[name] as Definition | undefined;
  if (!found) throw new Error(`There is no function ${path} in the simulation.`);
  definitions.set(path, found);
  return found;
}

function indexesOf(definition: { tables: Record<string, unknown> }): Indexes {
  return Object.fromEntries(
    Object.entries(definition.tables).map(([table, of]) => {
      const { indexes } = (
        of as { export(): { indexes: { indexDescriptor: string; fields: string[] }[] } }
      ).export();
      return [
        table,
        Object.fromEntries(indexes.map(({ indexDescriptor, fields }) => [indexDescriptor, fields])),
      ];
    }),
  );
}
