import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { formatSize } from "../../core/units.ts";
import type { RenderedService, RenderedVolume } from "../../core/render/rendered.ts";
import type { EngineContainer } from "../engine/engine.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/** What a container waits for that was stopped so that a volume of its could grow. */
export type Growth = { grown: string; users: ReadonlySet<string> };

/**
 * Makes a volume of a hard size larger where the manifest now wants more: whoever uses it is stopped first and started
 * again afterwards. A smaller size than it has is never made: what it holds might not fit.
 * @param users the containers that are to stay, with their services
 * @param gone operations that remove the others
 * @returns null where there is nothing to grow
 */
export function planGrowth(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  volume: RenderedVolume,
  found: Snapshot,
  users: readonly { service: RenderedService; container: EngineContainer }[],
  gone: readonly string[],
): Growth | null {
  const has = found.volumes.find(({ name }) => name === volume.name)?.sizeBytes ?? null;
  if (has === null || volume.sizeBytes === null || volume.sizeBytes <= has) return null;
  const cause = `${volume.name} is to grow from ${formatSize(has)} to ${formatSize(volume.sizeBytes)}`;
  const using = users.filter(({ service }) => service.mounts.some((mount) => mount.volume === volume.name));
  const stopped = using
    .filter(({ container }) => ["running", "restarting", "paused"].includes(container.state))
    .map(({ service, container: { name, state } }) => {
      const after =
        state === "paused"
          ? [plan.add(kind, { do: "unpause container", target: name }, "a paused one cannot be stopped")]
          : [];
      return plan.add(
        kind,
        { do: "stop container", target: name, graceMs: service.stopGraceMs },
        cause,
        after,
      );
    });
  const { name: target, sizeBytes } = volume;
  const grown = plan.add(kind, { do: "grow volume", target, sizeBytes }, cause, [...stopped, ...gone]);
  return { grown, users: new Set(using.map(({ container }) => container.name)) };
}
