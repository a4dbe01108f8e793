import type { EngineEvent } from "./engine/engine.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Docker calls a container that was paused unhealthy, and goes on to until its next health check, an interval after it
 * went on. From then on its word counts again; meanwhile what the worker itself asks the container does.
 */
export class StaleHealth {
  private readonly stale = new Set<string>();

  note({ type, action, id }: EngineEvent): void {
    if (type !== "container") return;
    if (action === "unpause") this.stale.add(id);
    if (action.startsWith("health_status") || action === "die" || action === "destroy") this.stale.delete(id);
  }

  correct(snapshot: Snapshot): Snapshot {
    if (this.stale.size === 0) return snapshot;
    return {
      ...snapshot,
      containers: snapshot.containers.map((container) =>
        container.health === "unhealthy" && this.stale.has(container.id)
          ? { ...container, health: "starting" }
          : container,
      ),
    };
  }
}
