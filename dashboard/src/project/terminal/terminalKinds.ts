import type { EnvironmentKind } from "../../../../core/lifecycle.ts";
import type { Role } from "../../../../core/access.ts";
import type { EnvironmentView } from "../environments.ts";

/** The environments whose running containers a terminal may be opened in; an agent's are dev and test alone. */
export function terminalKinds(
  environments: readonly Pick<EnvironmentView, "kind" | "services">[],
  role: Role,
): EnvironmentKind[] {
  return environments
    .filter(
      ({ kind, services }) =>
        runningServices({ services }).length > 0 && (role !== "agent" || kind !== "deploy"),
    )
    .map(({ kind }) => kind);
}

/** The services that have a running container, each once. */
export function runningServices({ services }: Pick<EnvironmentView, "services">): string[] {
  const running = services.filter(({ state }) => state === "running");
  return [...new Set(running.map(({ service }) => service))];
}
