import {
  Archive,
  Bird,
  Check,
  CircleSlash,
  FlaskConical,
  Globe,
  LoaderCircle,
  ShieldQuestionMark,
  TriangleAlert,
} from "lucide-react";
import type { DeployState } from "../../../../core/deploys.ts";
import type { ReleaseState } from "../../../../core/releases.ts";
import type { Look } from "../../shared/marks.tsx";

/** How the states of releases and deploys look. */

export const RELEASE_LOOKS: Record<ReleaseState, Look> = {
  building: { Icon: LoaderCircle, color: "yellow" },
  testing: { Icon: FlaskConical, color: "yellow" },
  passed: { Icon: Check, color: "green" },
  failed: { Icon: TriangleAlert, color: "red" },
  untested: { Icon: ShieldQuestionMark, color: "cyan" },
};

export const DEPLOY_LOOKS: Record<DeployState, Look> = {
  rolling: { Icon: LoaderCircle, color: "yellow" },
  canary: { Icon: Bird, color: "orange" },
  live: { Icon: Check, color: "green" },
  failed: { Icon: TriangleAlert, color: "red" },
  superseded: { Icon: Archive, color: "gray" },
  aborted: { Icon: CircleSlash, color: "gray" },
};

export const SERVING_LOOK: Look = { Icon: Globe, color: "green" };
