import { CircleCheck, CircleDashed, Plug, TriangleAlert, Unplug } from "lucide-react";
import type { Look } from "../shared/marks.tsx";

export const HOST_LOOKS: Record<"live" | "lost" | "left", Look> = {
  live: { Icon: Plug, color: "green" },
  lost: { Icon: TriangleAlert, color: "red" },
  left: { Icon: Unplug, color: "gray" },
};

export const FINDING_LOOKS: Record<"ok" | "warning" | "failed" | "skipped", Look> = {
  ok: { Icon: CircleCheck, color: "green" },
  warning: { Icon: TriangleAlert, color: "yellow" },
  failed: { Icon: TriangleAlert, color: "red" },
  skipped: { Icon: CircleDashed, color: "gray" },
};
