import type { EnvironmentKind } from "../core/lifecycle.ts";
import type { EnvironmentObservation } from "../core/projectSpec.ts";
import type { ControlPlane } from "./controlPlane.ts";
import type { Presence } from "./presence.ts";

/** Reports what changed, and only that. */
export class Reporter {
  /** The last observation that the control plane took, by project and kind, and as JSON. */
  private readonly sent = new Map<string, { observation: EnvironmentObservation; json: string }>();
  /** What was sent since without an answer: it may have been taken, and then `sent` is not what is known there. */
  private readonly unanswered = new Set<string>();
  private readonly controlPlane: Pick<ControlPlane, "report">;
  private readonly presence: Presence;

  constructor(controlPlane: Pick<ControlPlane, "report">, presence: Presence) {
    this.controlPlane = controlPlane;
    this.presence = presence;
  }

  /** What the control plane was last told of an environment by this worker. */
  last(projectId: string, kind: EnvironmentKind): EnvironmentObservation | undefined {
    return this.sent.get(keyOf(projectId, kind))?.observation;
  }

  /**
   * @param awaited kinds that the control plane waits to hear of, changed or not
   * @returns what was sent: nothing while the control plane is away, and then it is news still when it is back
   */
  async report(
    projectId: string,
    observations: readonly EnvironmentObservation[],
    awaited: ReadonlySet<EnvironmentKind>,
  ): Promise<EnvironmentObservation[]> {
    const news = observations.filter((observation) => {
      const last = this.sent.get(keyOf(projectId, observation.kind));
      if (this.unanswered.has(keyOf(projectId, observation.kind))) return true;
      if (awaited.has(observation.kind) && !last) return true;
      // What was never wanted is no news, whatever is in the way of it: no later worker would know that it was told.
      // What was wanted may have been told otherwise by a worker before this one.
      if (!last) return observation.observedGeneration > 0;
      return last.json !== JSON.stringify(observation);
    });
    if (news.length === 0 || this.presence.isAway) return [];
    for (const { kind } of news) this.unanswered.add(keyOf(projectId, kind));
    try {
      await this.controlPlane.report(projectId, news);
    } catch (error) {
      if (this.presence.noteFailure(error)) return [];
      throw error;
    }
    for (const observation of news) {
      this.sent.set(keyOf(projectId, observation.kind), {
        observation,
        json: JSON.stringify(observation),
      });
      this.unanswered.delete(keyOf(projectId, observation.kind));
    }
    return news;
  }

  /** Sends everything again when next asked: the control plane may have missed it. */
  forget(projectId: string): void {
    for (const known of [this.sent, this.unanswered]) {
      for (const key of known.keys()) if (key.startsWith(`${projectId}/`)) known.delete(key);
    }
  }
}

function keyOf(projectId: string, kind: EnvironmentKind): string {
  return `${projectId}/${kind}`;
}
