import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { Stacks } from "../../core/stack.ts";
import type { Attaching } from "../attachments/attaching.ts";
import type { Clock } from "../clock.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Crashes } from "../crashes.ts";
import type { VolumeWatch } from "../disks/volumeWatch.ts";
import type { Engine } from "../engine/engine.ts";
import type { GroupKeeper } from "../groups/groupKeeper.ts";
import type { Drift } from "../host/drift.ts";
import type { Images } from "../images.ts";
import type { LastLook } from "../lastLook.ts";
import type { Log } from "../log.ts";
import type { PortHolder } from "../ports/hostPorts.ts";
import type { Turn } from "../queue.ts";
import type { Readiness } from "../readiness.ts";
import type { Reporter } from "../reporter.ts";
import type { Rollouts } from "../rollout/rollouts.ts";
import type { RoutedBefore } from "../routedBefore.ts";
import type { RouteTable } from "../routeTable.ts";
import type { Sources } from "../sources/sources.ts";
import type { StaleHealth } from "../staleHealth.ts";
import type { Starters } from "../starters.ts";

/** What a turn of any project works with. */
export type TurnContext = {
  engine: Engine;
  controlPlane: Pick<
    ControlPlane,
    | "project"
    | "confirmDeleted"
    | "reallocateSubnet"
    | "reallocatePort"
    | "reportSnapshot"
    | "reportTest"
    | "reportDeploy"
  >;
  routes: RouteTable;
  rollouts: Rollouts;
  reporter: Reporter;
  readiness: Readiness;
  routedBefore: RoutedBefore;
  staleHealth: StaleHealth;
  crashes: Crashes;
  images: Images;
  /** Spares turns a look of their own; a preview has none. */
  lastLook?: LastLook;
  /** Where volumes can have no hard size; null where they can. */
  volumeWatch?: VolumeWatch | null;
  starters: Starters;
  sources?: Sources;
  stacks: Stacks;
  attaching?: Attaching;
  groups: GroupKeeper;
  hostPorts: PortHolder;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Log;
  /** Takes note of what is mended. */
  drift?: Pick<Drift, "note">;
  /** What was last read of a project has changed by what this worker reported: it is to be read anew. */
  expire(projectId: string): void;
  /** Asks for another turn of the project after so many ms. */
  again(projectId: string, delayMs: number): void;
};

/** Whose turn it is. */
export type TurnInput = {
  spec: ProjectSpec;
  turn: Turn;
  /** Environments that the control plane waits to hear of. */
  awaited: ReadonlySet<EnvironmentKind>;
};
