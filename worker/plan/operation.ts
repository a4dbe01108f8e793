import type { RenderedNetwork } from "../../core/render/rendered.ts";
import { formatSize } from "../../core/units.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { ContainerPlan } from "../engine/engine.ts";
import type { ExpectedVolume } from "../filling/confirm.ts";
import type { SourceFill } from "../sources/sources.ts";
import type { Starter } from "../starters.ts";

/** One call to Docker, why it is made, and what has to be done before it. */
export type Operation = Action & {
  /** Unique in its plan. */
  id: string;
  /** Ids of operations of the same plan. */
  after: string[];
  /** The environment that it is for; null where that is none. */
  environment: EnvironmentKind | null;
  /** For people: what is wanted and what there is instead. */
  cause: string;
};

export type Action =
  | { do: "pull image"; target: string }
  | { do: "create network"; target: string; network: RenderedNetwork }
  | { do: "remove network"; target: string; networkId: string }
  | { do: "create volume"; target: string; labels: Record<string, string>; sizeBytes: number | null }
  /** Makes a volume of a hard size larger; no container may use it meanwhile. */
  | { do: "grow volume"; target: string; sizeBytes: number }
  /** `data` is somebody's, and what is wanted is read once more before it goes; marks and half copies are nobody's. */
  | { do: "remove volume"; target: string; holds: "data" | "nothing" }
  | { do: "create container"; target: string; container: ContainerPlan }
  /** Refuses unless the volume that the filler `target` mounts is as expected, does not count, and is nobody else's. */
  | { do: "confirm unfilled"; target: string; expected: ExpectedVolume }
  /** Refuses unless the volume that the new container `target` mounts is as expected, and counts. */
  | { do: "confirm filled"; target: string; expected: ExpectedVolume }
  /** Puts stacks' starters into the workspace that the container mounts, in one call: each costs the engine a process. */
  | { do: "put starters"; target: string; starters: readonly Starter[] }
  /** Puts a stack's starter into the workspace that the new container mounts and that is in use, unless it has the folder. */
  | { do: "put missing starter"; target: string; stack: string; folder: string }
  /** Puts the project's source into the workspace, and starters into those of their folders that it lacks. */
  | { do: "put source"; target: string; source: SourceFill; starters: readonly Starter[] }
  /** Copies everything of the workspace that the container `reader` mounts into the one that this container mounts. */
  | { do: "copy workspace"; target: string; reader: string }
  /** Gives the volume that the container mounts as its workspace, empty as it is, to `user` (`uid:gid`) alone. */
  | { do: "own volume"; target: string; user: string }
  | { do: "connect"; target: string; network: string; aliases: string[] }
  | { do: "disconnect"; target: string; network: string }
  | { do: "start container"; target: string }
  | { do: "pause container"; target: string }
  | { do: "unpause container"; target: string }
  | { do: "stop container"; target: string; graceMs: number }
  | { do: "remove container"; target: string };

/** A plan as people read it, one numbered line an operation. */
export function printPlan(operations: readonly Operation[]): string {
  const numbers = new Map(operations.map(({ id }, index) => [id, index + 1]));
  const lines = operations.map((operation) => {
    const after = operation.after.map((id) => numbers.get(id)).filter((number) => number !== undefined);
    const order = after.length === 0 ? "" : ` after ${after.join(", ")}`;
    return `${numbers.get(operation.id)}. ${describe(operation)}${order}: ${operation.cause}`;
  });
  return lines.join("\n");
}

/** `./app`, `https://git.example/a/b.git#main` */
export function sourceName(source: SourceFill): string {
  if (source.from === "archive") return source.name;
  return source.ref === null ? source.url : `${source.url}#${source.ref}`;
}

/** `create network project_…_dev (internal, 10.128.0.0/26)` */
export function describe(action: Action): string {
  const { do: what, target } = action;
  switch (action.do) {
    case "create network": {
      const traits = [action.network.internal ? "internal" : "open", action.network.subnet ?? "any subnet"];
      return `${what} ${target} (${traits.join(", ")})`;
    }
    case "create container":
      return `${what} ${target} (${action.container.image})`;
    case "grow volume":
      return `${what} ${target} to ${formatSize(action.sizeBytes)}`;
    case "put starters": {
      const each = action.starters.map(({ stack, folder }) => `${stack} into ${folder}`);
      return `${what} ${each.join(", ")} by ${target}`;
    }
    case "put missing starter":
      return `${what} ${action.stack} into ${action.folder} by ${target}`;
    case "put source":
      return `${what} ${sourceName(action.source)} by ${target}`;
    case "copy workspace":
      return `${what} by ${target}`;
    case "confirm unfilled":
    case "confirm filled":
      return `${what} ${action.expected.volume} for ${target}`;
    case "own volume":
      return `${what} for ${action.user} by ${target}`;
    case "connect":
      return `${what} ${target} to ${action.network}`;
    case "disconnect":
      return `${what} ${target} from ${action.network}`;
    default:
      return `${what} ${target}`;
  }
}
