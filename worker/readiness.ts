import type { Clock } from "./clock.ts";

/**
 * Knows which containers answer. Docker's own health check cannot tell in time: engine 20.10 has no start interval, so
 * the first verdict comes a whole interval after the start, and an interval short enough to serve a bring-up costs an
 * exec a second in every container for ever. So the worker asks a starting container itself, through the gateway and so
 * over the very path that requests will take, quickly at first and ever more slowly; Docker's check watches afterwards,
 * and its events take a container out again.
 */

export type ProbeTarget = {
  /** Docker's container id. */
  id: string;
  namespace: string;
  address: string;
  port: number;
  /** HTTP path that answers 2xx or 3xx when ready; null: an open port will do. */
  path: string | null;
  /** Whether it may be something that takes HTTP for an attack: then nothing is said to it. */
  mute?: boolean;
  /** Its own health check, in Docker's form, where that has the last word and Docker has not run it yet. */
  check?: readonly string[];
  /**
   * Whether the gateway led requests to it when this worker began: an earlier one found that it answers, so it counts as
   * ready until it has failed to.
   */
  wasRouted?: boolean;
};

export type ReadinessProbe = (target: ProbeTarget) => Promise<boolean>;

const FIRST_DELAY_MS = 10;
const LONGEST_DELAY_MS = 2_000;
const DELAY_GROWTH = 1.3;
/** Once is no proof that a container which answered before is lost: it may only be busy. */
const VERIFY_TRIES = 3;
const VERIFY_DELAY_MS = 1_000;
/** How long a look at new targets may keep a reconcile waiting. */
const FIRST_LOOK_MS = 500;

/** `unknown`: whoever asks on behalf of the worker is away, which says nothing of the container. */
type Answer = "answers" | "silent" | "unknown";

type Watched = {
  target: ProbeTarget;
  /** When the asking began, as the clock's `elapsed` has it. */
  since: number;
  ready: boolean;
  /** Whether it was ever asked in vain. */
  wasSilent: boolean;
  /** Whether it is being asked whether it still answers. */
  verifying: boolean;
  delayMs: number;
  cancel: (() => void) | null;
  stopped: boolean;
};

export class Readiness {
  private readonly watched = new Map<string, Watched>();
  private readonly suspended = new Set<string>();
  private readonly probe: ReadinessProbe;
  private readonly clock: Clock;
  private readonly onChange: (namespace: string) => void;

  /** @param onChange told the namespace of which a container became ready, or no longer is */
  constructor(probe: ReadinessProbe, clock: Clock, onChange: (namespace: string) => void) {
    this.probe = probe;
    this.clock = clock;
    this.onChange = onChange;
  }

  /**
   * Follows exactly `targets` in a namespace: others of it are forgotten, new ones are asked until they answer.
   * @returns when each new one that is not taken to be ready was asked once, or after half a second
   */
  async follow(namespace: string, targets: readonly ProbeTarget[]): Promise<void> {
    const followed = targets.filter(({ id }) => !this.suspended.has(id));
    const wanted = new Map(followed.map((target) => [target.id, target]));
    for (const { target } of this.watched.values()) {
      if (target.namespace === namespace && !wanted.has(target.id)) this.forget(target.id);
    }
    const looks: Promise<void>[] = [];
    let isWaiting = true;
    for (const target of followed) {
      const known = this.watched.get(target.id);
      const isTrusted = target.wasRouted === true && !known?.wasSilent;
      if (known && sameTarget(known.target, target) && (known.ready || !isTrusted)) continue;
      this.forget(target.id);
      if (isTrusted) this.trust(target);
      else looks.push(this.begin(target, () => isWaiting));
    }
    if (looks.length === 0) return;
    let cancel = () => {};
    const bound = new Promise<void>((resolve) => (cancel = this.clock.after(FIRST_LOOK_MS, resolve)));
    await Promise.race([Promise.all(looks), bound]);
    cancel();
    isWaiting = false;
  }

  isReady(id: string): boolean {
    return this.watched.get(id)?.ready ?? false;
  }

  /** Milliseconds for which a container was asked in vain; 0 once it answered. */
  waitingMs(id: string): number {
    const watched = this.watched.get(id);
    return watched && !watched.ready ? this.clock.elapsed() - watched.since : 0;
  }

  /** A container ended: whatever comes back under its id has to prove itself again. */
  forget(id: string): void {
    const watched = this.watched.get(id);
    if (!watched) return;
    watched.stopped = true;
    watched.cancel?.();
    this.watched.delete(id);
  }

  /** Docker says that a container ended, but its lists do not show it yet: it is not followed until `resume`. */
  suspend(id: string): void {
    this.suspended.add(id);
    this.forget(id);
  }

  resume(id: string): void {
    this.suspended.delete(id);
  }

  /** Events may have been missed: asks everybody again; who was ready stays so until it fails to answer. */
  recheck(): void {
    for (const watched of this.watched.values()) {
      if (watched.ready && !watched.verifying) void this.verify(watched);
    }
  }

  close(): void {
    for (const id of [...this.watched.keys()]) this.forget(id);
  }

  /** @param isAwaited whether the look that begins it still waits for the first answer: then it needs no further one */
  private async begin(target: ProbeTarget, isAwaited: () => boolean): Promise<void> {
    const watched = this.watch(target, false);
    const answer = await this.ask(watched);
    if (watched.stopped) return;
    if (answer !== "answers") return this.askLater(watched);
    watched.ready = true;
    if (!isAwaited()) this.onChange(target.namespace);
  }

  private trust(target: ProbeTarget): void {
    void this.verify(this.watch(target, true));
  }

  private watch(target: ProbeTarget, ready: boolean): Watched {
    const watched: Watched = {
      target,
      since: this.clock.elapsed(),
      ready,
      wasSilent: false,
      verifying: false,
      delayMs: FIRST_DELAY_MS,
      cancel: null,
      stopped: false,
    };
    this.watched.set(target.id, watched);
    return watched;
  }

  private askLater(watched: Watched): void {
    if (watched.stopped) return;
    watched.cancel = this.clock.after(watched.delayMs, () => void this.askAgain(watched));
    watched.delayMs = Math.min(watched.delayMs * DELAY_GROWTH, LONGEST_DELAY_MS);
  }

  private async askAgain(watched: Watched): Promise<void> {
    const answer = await this.ask(watched);
    if (watched.stopped) return;
    if (answer !== "answers") return this.askLater(watched);
    watched.ready = true;
    this.onChange(watched.target.namespace);
  }

  private async verify(watched: Watched, tries = VERIFY_TRIES): Promise<void> {
    watched.verifying = true;
    const answer = await this.ask(watched);
    if (watched.stopped) return;
    const left = answer === "silent" ? tries - 1 : tries;
    if (answer !== "answers" && left > 0) {
      watched.cancel = this.clock.after(VERIFY_DELAY_MS, () => void this.verify(watched, left));
      return;
    }
    watched.verifying = false;
    if (answer === "answers") return;
    watched.ready = false;
    watched.since = this.clock.elapsed();
    watched.delayMs = FIRST_DELAY_MS;
    this.onChange(watched.target.namespace);
    this.askLater(watched);
  }

  private async ask(watched: Watched): Promise<Answer> {
    try {
      if (await this.probe(watched.target)) return "answers";
      watched.wasSilent = true;
      return "silent";
    } catch {
      return "unknown";
    }
  }
}

function sameTarget(a: ProbeTarget, b: ProbeTarget): boolean {
  return a.address === b.address && a.port === b.port && a.path === b.path;
}
