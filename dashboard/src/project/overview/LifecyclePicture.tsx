import { useElementSize } from "@mantine/hooks";
import { useId } from "react";
import { STATUS_LOOKS } from "../../shared/marks.tsx";
import { layoutLifecycle, type EdgePlace, type LifecycleState, type NodePlace } from "./lifecycleLayout.ts";

/** Narrower, the statuses stand below each other. */
const WIDE_FROM_PX = 860;

/** The lifecycle as a picture. The same is told in words beside it: programs that read pages aloud pass this by. */
export function LifecyclePicture({ state }: { state: LifecycleState }) {
  const { ref, width } = useElementSize();
  const id = useId();
  const layout = layoutLifecycle(state, width >= WIDE_FROM_PX ? "wide" : "tall");
  return (
    <div ref={ref} style={{ width: "100%" }}>
      {width > 0 && (
        <svg
          width={layout.width}
          height={layout.height}
          viewBox={`-1 -1 ${layout.width + 1} ${layout.height + 1}`}
          style={{ display: "block", margin: "0 auto", maxWidth: "100%" }}
          aria-hidden
        >
          <defs>
            {(["next", "made", "other"] as const).map((role) => (
              <marker
                key={role}
                id={`${id}${role}`}
                viewBox="0 0 8 8"
                refX="6"
                refY="4"
                markerWidth="7"
                markerHeight="7"
                markerUnits="userSpaceOnUse"
                orient="auto"
              >
                <path d="M0 0 8 4 0 8z" fill={EDGE_LOOKS[role].stroke} />
              </marker>
            ))}
          </defs>
          {layout.edges.map(({ from, to, path, role }) => (
            <path
              key={`${from} ${to}`}
              d={path}
              fill="none"
              {...EDGE_LOOKS[role]}
              markerEnd={`url(#${id}${role})`}
            />
          ))}
          {layout.nodes.map((node) => (
            <Node key={node.status} {...node} />
          ))}
        </svg>
      )}
    </div>
  );
}

const EDGE_LOOKS: Record<
  EdgePlace["role"],
  { stroke: string; strokeWidth: number; strokeDasharray?: string }
> = {
  next: { stroke: "var(--mantine-color-indigo-text)", strokeWidth: 2, strokeDasharray: "6 4" },
  made: { stroke: "var(--mantine-color-text)", strokeWidth: 2 },
  other: { stroke: "var(--mantine-color-dimmed)", strokeWidth: 1 },
};

const NODE_LOOKS: Record<
  NodePlace["role"],
  { fill: string; stroke: string; strokeWidth: number; strokeDasharray?: string }
> = {
  here: {
    fill: "var(--mantine-primary-color-filled)",
    stroke: "var(--mantine-primary-color-filled)",
    strokeWidth: 2,
  },
  next: {
    fill: "var(--mantine-color-body)",
    stroke: "var(--mantine-color-indigo-text)",
    strokeWidth: 2,
    strokeDasharray: "6 4",
  },
  been: { fill: "var(--mantine-color-body)", stroke: "var(--mantine-color-text)", strokeWidth: 2 },
  other: { fill: "var(--mantine-color-body)", stroke: "var(--mantine-color-dimmed)", strokeWidth: 1 },
};

const ICON_PX = 16;
const LEFT_PX = 10;
const GAP_PX = 5;

function Node({ status, x, y, width, height, role }: NodePlace) {
  const { Icon, color } = STATUS_LOOKS[status];
  const isHere = role === "here";
  const ink = isHere ? "var(--mantine-color-white)" : undefined;
  const text = ink ?? (role === "other" ? "var(--mantine-color-dimmed)" : "var(--mantine-color-text)");
  return (
    <g>
      <rect x={x} y={y} width={width} height={height} rx={height / 2} {...NODE_LOOKS[role]} />
      <Icon
        x={x + LEFT_PX}
        y={y + (height - ICON_PX) / 2}
        size={ICON_PX}
        color={ink ?? `var(--mantine-color-${color}-text)`}
      />
      <text
        x={x + LEFT_PX + ICON_PX + GAP_PX}
        y={y + height / 2}
        dominantBaseline="central"
        fontSize={13}
        fontWeight={isHere ? 600 : 500}
        fill={text}
      >
        {status}
      </text>
    </g>
  );
}
