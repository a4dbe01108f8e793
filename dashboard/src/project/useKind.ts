import { useSearchParams } from "react-router";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import { firstKind } from "./environments.ts";
import type { ProjectView } from "./tabs.tsx";

/** Which environment a tab shows. The address keeps it, so that a link or a reload shows the same. */
export function useKind(project: ProjectView): [EnvironmentKind, (kind: EnvironmentKind) => void] {
  const [parameters, setParameters] = useSearchParams();
  const kind = firstKind(project.environments, parameters.get("environment"));
  return [
    kind,
    (next) => {
      setParameters(
        (before) => {
          before.set("environment", next);
          return before;
        },
        { replace: true },
      );
    },
  ];
}
