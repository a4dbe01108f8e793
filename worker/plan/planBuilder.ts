import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Action, Operation } from "./operation.ts";

/** Collects the operations of a plan; the same action twice is one operation. */
export class PlanBuilder {
  readonly operations: Operation[] = [];
  private readonly ids = new Set<string>();

  /** @returns the operation's id, to be named in another's `after` */
  add(
    environment: EnvironmentKind | null,
    action: Action,
    cause: string,
    after: readonly (string | null)[] = [],
  ): string {
    const id = idOf(action);
    if (!this.ids.has(id)) {
      this.ids.add(id);
      const known = after.filter((other): other is string => other !== null);
      this.operations.push({ ...action, id, environment, cause, after: [...new Set(known)] });
    }
    return id;
  }
}

function idOf(action: Action): string {
  const detail = "network" in action && typeof action.network === "string" ? ` ${action.network}` : "";
  const volume = "expected" in action ? ` ${action.expected.volume}` : "";
  const folder = "folder" in action ? ` ${action.folder}` : "";
  // Networks can share a name, so what is removed is known by its id.
  const target = "networkId" in action ? action.networkId : action.target;
  return `${action.do} ${target}${detail}${volume}${folder}`;
}
