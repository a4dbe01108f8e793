import type { Clock } from "../clock.ts";
import { readCounters } from "./cgroup/readCounters.ts";
import { KERNEL, type ContainerFacts, type KernelRoots, type KnownFacts } from "./containerFacts.ts";
import { nothingUsed, type Counters } from "./counters.ts";
import type { Running } from "./runningContainers.ts";
import type { Measured } from "./series.ts";
import { addUsage, NO_USAGE, usageBetween, type UsageSum } from "./usage.ts";

export type SamplerContext = {
  facts: KnownFacts;
  /** The engine's word; null: the container does not run. @throws EngineError */
  statsOf: (id: string, at: number) => Promise<Counters | null>;
  /** Told once of an engine that does not answer, until it does again. */
  onError: (id: string, error: unknown) => void;
  clock: Clock;
  roots?: KernelRoots;
};

/** Containers of which the kernel's files are read without letting others have a turn: a few milliseconds. */
const SLICE = 16;
/** The engine answers for a container in a second, and works for it 10 ms: so many at once, and in one look. */
const ASKED_AT_ONCE = 4;
const ASKED_A_LOOK = 16;

type Kept = { running: Running; last: Counters | null; minute: UsageSum; lookedAt: number };

/** Reads counters, remembers them, and makes means of them. Containers whose files it cannot read it asks the engine of. */
export class Sampler {
  private readonly kept = new Map<string, Kept>();
  private readonly roots: KernelRoots;
  private wasSilent = false;

  constructor(private readonly context: SamplerContext) {
    this.roots = context.roots ?? KERNEL;
  }

  /**
   * Looks at `containers`.
   * @returns what those used since they were looked at before, of which there is something to say
   */
  async look(containers: readonly Running[]): Promise<Measured[]> {
    const { facts } = this.context;
    await facts.learn(containers.map(({ id }) => id));
    const known = containers.flatMap((running) => {
      const found = facts.of(running.id);
      return found ? [{ running, found }] : [];
    });
    const measured: Measured[] = [];
    const note = (running: Running, found: ContainerFacts, counters: Counters | null) => {
      const one = counters && this.note(running, found, counters);
      if (one) measured.push(one);
    };
    const files = known.filter(({ found }) => found.cgroup !== null);
    for (const [index, { running, found }] of files.entries()) {
      const at = this.context.clock.elapsed();
      note(running, found, readCounters(found.cgroup!, found.pid, this.roots.proc, at));
      if (index % SLICE === SLICE - 1) await othersTurn();
    }
    await this.askEngine(
      known.filter(({ found }) => found.cgroup === null),
      note,
    );
    return measured;
  }

  /** What all used since this was taken last, those that have ended meanwhile too. */
  takeUsed(): Measured[] {
    const taken: Measured[] = [];
    for (const [id, kept] of this.kept) {
      const [used, facts] = [kept.minute, this.context.facts.of(id)];
      kept.minute = NO_USAGE;
      if (used.seconds > 0 && facts) taken.push({ subject: kept.running.subject, facts, used });
    }
    return taken;
  }

  /** Of those that `isThere` no longer nothing is remembered. */
  forget(isThere: (id: string) => boolean): void {
    for (const id of this.kept.keys()) if (!isThere(id)) this.kept.delete(id);
    this.context.facts.forget(isThere);
  }

  private note(running: Running, facts: ContainerFacts, counters: Counters): Measured | null {
    const kept = this.of(running);
    kept.lookedAt = counters.at;
    const between = kept.last && usageBetween(kept.last, counters);
    if (!kept.last || between) kept.last = counters;
    if (!between) return null;
    kept.minute = addUsage(kept.minute, between);
    return { subject: running.subject, facts, used: addUsage(NO_USAGE, between) };
  }

  private of(running: Running): Kept {
    const found = this.kept.get(running.id);
    // Another start is another life: it begins with nothing, and then, not at the last look.
    if (found && found.running.startedAt === running.startedAt) return found;
    const { startedAt } = running;
    const last = startedAt === null ? null : nothingUsed(startedAt);
    const minute = found?.minute ?? NO_USAGE;
    const kept = { running, last, minute, lookedAt: found?.lookedAt ?? -Infinity };
    this.kept.set(running.id, kept);
    return kept;
  }

  /** Those that were asked of longest ago come first: with many, a look does not come to all. */
  private async askEngine(
    containers: readonly { running: Running; found: ContainerFacts }[],
    note: (running: Running, found: ContainerFacts, counters: Counters | null) => void,
  ): Promise<void> {
    const waiting = containers
      .map((one) => ({ ...one, kept: this.of(one.running) }))
      .sort((one, other) => one.kept.lookedAt - other.kept.lookedAt)
      .slice(0, ASKED_A_LOOK);
    let silent = false;
    const lane = async () => {
      for (let one = waiting.shift(); one && !silent; one = waiting.shift()) {
        const { running, found, kept } = one;
        kept.lookedAt = this.context.clock.elapsed();
        try {
          note(running, found, await this.context.statsOf(running.id, kept.lookedAt));
        } catch (error) {
          // An engine that is slow for one is slow for all.
          if (!silent && !this.wasSilent) this.context.onError(running.id, error);
          silent = true;
        }
      }
    };
    const isAsked = waiting.length > 0;
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, lane));
    if (isAsked) this.wasSilent = silent;
  }
}

async function othersTurn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
