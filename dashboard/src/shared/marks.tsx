import { Badge, Tooltip } from "@mantine/core";
import {
  Archive,
  Check,
  CircleDashed,
  CirclePause,
  CirclePlay,
  ClipboardList,
  Code,
  FlaskConical,
  LoaderCircle,
  Moon,
  Rocket,
  Sparkles,
  TriangleAlert,
  type LucideIcon,
} from "lucide-react";
import type { EnvironmentKind, Status } from "../../../core/lifecycle.ts";
import type { Phase } from "../../../core/projectSpec.ts";

/** How statuses and phases look, everywhere: a word, an icon, a colour. Never by colour alone. */

export type Look = { Icon: LucideIcon; color: string };

export const STATUS_LOOKS: Record<Status, Look> = {
  created: { Icon: Sparkles, color: "gray" },
  planning: { Icon: ClipboardList, color: "grape" },
  development: { Icon: Code, color: "blue" },
  testing: { Icon: FlaskConical, color: "orange" },
  deployment: { Icon: Rocket, color: "green" },
  paused: { Icon: CirclePause, color: "cyan" },
  failed: { Icon: TriangleAlert, color: "red" },
  deleting: { Icon: Archive, color: "gray" },
};

export const PHASE_LOOKS: Record<Phase, Look> = {
  pending: { Icon: CircleDashed, color: "yellow" },
  starting: { Icon: LoaderCircle, color: "yellow" },
  running: { Icon: CirclePlay, color: "green" },
  hibernated: { Icon: Moon, color: "cyan" },
  absent: { Icon: CircleDashed, color: "gray" },
  failed: { Icon: TriangleAlert, color: "red" },
};

/** A word in a frame, with its icon in colour; the text keeps the page's own contrast. */
export function Mark({
  look,
  children,
  size = "md",
}: {
  look: Look;
  children: string;
  size?: "sm" | "md" | "lg";
}) {
  const { Icon, color } = look;
  return (
    <Badge
      variant="default"
      size={size}
      tt="none"
      fw={500}
      style={{ verticalAlign: "middle", flexShrink: 0 }}
      leftSection={<Icon size={14} color={`var(--mantine-color-${color}-text)`} aria-hidden />}
    >
      {children}
    </Badge>
  );
}

export function StatusMark({ status, size }: { status: Status; size?: "sm" | "md" | "lg" }) {
  return (
    <Mark look={STATUS_LOOKS[status]} size={size}>
      {status}
    </Mark>
  );
}

export function PhaseMark({ phase, size }: { phase: Phase; size?: "sm" | "md" | "lg" }) {
  return (
    <Mark look={PHASE_LOOKS[phase]} size={size}>
      {phase}
    </Mark>
  );
}

/** The environments that are there, as small marks: `dev ▶`. */
export function EnvironmentMarks({
  environments,
}: {
  environments: { kind: EnvironmentKind; phase: Phase }[];
}) {
  const there = environments.filter(({ phase }) => phase !== "absent");
  return (
    <>
      {there.map(({ kind, phase }) => (
        <Tooltip key={kind} label={`${kind} is ${phase}`}>
          <span>
            <Mark look={PHASE_LOOKS[phase]} size="sm">
              {kind}
            </Mark>
          </span>
        </Tooltip>
      ))}
    </>
  );
}

/** Something that holds or does not. */
export const TRUTH_LOOKS: Record<"true" | "false" | "unknown", Look> = {
  true: { Icon: Check, color: "green" },
  false: { Icon: TriangleAlert, color: "red" },
  unknown: { Icon: CircleDashed, color: "gray" },
};
