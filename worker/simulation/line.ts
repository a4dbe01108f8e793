import type { Faults, Peer } from "./faults.ts";
import type { VirtualTime } from "./virtualTime.ts";

/** What a dead process had asked for arrives all the same, as often as not. */
const ARRIVES_ANYWAY = 0.5;

export type LineOptions = {
  peer: Peer;
  time: VirtualTime;
  faults: Faults;
  random: { chance(probability: number): boolean };
  isAlive: () => boolean;
  /** Told of each call before it is sent and when it has taken effect: a process may die of it. */
  onStep: (step: "sent" | "effect", what: string) => void;
  /** Whether the peer can be reached at this moment. */
  isUp: () => boolean;
  /** What the caller is told of a call that was refused, lost or cut off. */
  unreachable: (what: string) => Error;
  deadline: (what: string, deadlineMs: number) => Error;
};

/** The way from one process to one peer: requests and answers take time, get lost, or come too late. */
export class Line {
  constructor(private readonly options: LineOptions) {}

  /**
   * @param effect what the peer does when the request arrives; it goes on even if nobody waits for it any more
   * @returns settles within `deadlineMs`; never, once the process is dead
   */
  call<T>(what: string, deadlineMs: number, effect: () => Promise<T>): Promise<T> {
    const { time, faults, isAlive, onStep, isUp, unreachable, deadline, random, peer } = this.options;
    return new Promise<T>((resolve, reject) => {
      if (!isAlive()) return;
      onStep("sent", what);
      if (!isAlive()) return;
      let open = true;
      const settle = (how: () => void) => {
        if (!open) return;
        open = false;
        cancel();
        if (isAlive()) how();
      };
      const cancel = time.deadline(deadlineMs, () => settle(() => reject(deadline(what, deadlineMs))));
      const { requestMs, answerMs, outcome } = faults.fateOf(peer);
      const refuse = () => settle(() => reject(unreachable(what)));
      time.after(requestMs, () => {
        if (!isAlive() && !random.chance(ARRIVES_ANYWAY)) return;
        if (outcome === "refused" || !isUp()) return refuse();
        const answer = (how: () => void) => {
          onStep("effect", what);
          time.after(answerMs, outcome === "lost" ? refuse : () => settle(how));
        };
        effect().then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error as Error)),
        );
      });
    });
  }
}
