import type { ConditionType } from "../../core/projectSpec.ts";
import { EngineError } from "../engine/engineError.ts";
import type { Failure } from "../execute.ts";
import { servingOf } from "../routing.ts";
import { healthVerdict, runsVerdict } from "./containerVerdicts.ts";
import { explain, reasonOf } from "./explain.ts";
import type { Findings } from "./findings.ts";
import { no, yes, type Verdict } from "./verdict.ts";
import { volumesVerdict } from "./volumesVerdict.ts";

const VOLUME_OPERATIONS = [
  "create volume",
  "grow volume",
  "remove volume",
  "confirm unfilled",
  "confirm filled",
] as const;

/** Of an environment that is to run. */
export function runningVerdicts(findings: Findings): Partial<Record<ConditionType, Verdict>> {
  const { seen, renderError } = findings;
  if (renderError != null || !seen.rendered) {
    return { Rendered: no("RenderFailed", explain(renderError ?? new Error("There is nothing to render."))) };
  }
  const { image, network, volume, other } = sortFailures(findings.failures);
  return {
    Rendered: yes("Rendered"),
    ImagesReady: image
      ? no(reasonOf(image.error), explain(image.error))
      : imagesVerdict(findings.fetching ?? []),
    NetworkReady: network ? no(reasonOf(network.error), explain(network.error)) : yes("NetworksPresent"),
    VolumesReady: volumesVerdict(findings, volume),
    Running: runsVerdict(findings, other),
    Healthy: healthVerdict(findings),
    Routed: routedVerdict(findings),
  };
}

/** The first failure of each kind that a condition speaks of. */
function sortFailures(
  failures: readonly Failure[],
): Partial<Record<"image" | "network" | "volume" | "other", Failure>> {
  const failed = (...whats: string[]) => failures.find(({ operation }) => whats.includes(operation.do));
  const image = failures.find(
    ({ operation, error }) =>
      operation.do === "pull image" || (error instanceof EngineError && error.fault === "image_missing"),
  );
  const network = failed("create network", "remove network", "connect");
  const volume = failed(...VOLUME_OPERATIONS);
  const other = failures.find((failure) => ![image, network, volume].includes(failure));
  return {
    ...(image && { image }),
    ...(network && { network }),
    ...(volume && { volume }),
    ...(other && { other }),
  };
}

function imagesVerdict(fetching: readonly string[]): Verdict {
  if (fetching.length === 0) return yes("ImagesPresent");
  const own = fetching.some((image) => image.startsWith("slipway/"));
  return own
    ? no(
        "Building",
        `${fetching.join(", ")}: being made for the first time here, which takes a minute or two.`,
      )
    : no("Pulling", `${fetching.join(", ")}: being pulled.`);
}

function routedVerdict({ seen, routeError, closed }: Findings): Verdict {
  if (routeError != null) return no("GatewayRefused", explain(routeError));
  const { routed, serving } = servingOf(seen);
  // Where nobody is led anywhere, what there is has to be ready all the same.
  const answers = routed.length === 0 ? seen.replicas.some(({ ready }) => ready) : serving.length > 0;
  if (!answers) return no("NothingToServe", "No container answers yet.");
  return closed == null ? yes("Serving") : no("PasswordMissing", closed);
}
