import { EDGES, STATUSES, type Edge, type Status } from "../../../../core/lifecycle.ts";

/** Where each status and each move of the lifecycle is drawn. Lengths in px; the origin is the top left corner. */

export type Orientation = "wide" | "tall";

export type NodePlace = {
  status: Status;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Where the project is; where it may go now; where it was; anything else. */
  role: "here" | "next" | "been" | "other";
};

export type EdgePlace = {
  from: Status;
  to: Status;
  /** An SVG path; its end has the arrow. */
  path: string;
  /** A move that the project may make now; one that it made; one that the lifecycle has. */
  role: "next" | "made" | "other";
};

export type LifecycleLayout = { width: number; height: number; nodes: NodePlace[]; edges: EdgePlace[] };

/** The way that a project goes from a plan to its users; the rest is beside it. */
export const MAIN: readonly Status[] = ["created", "planning", "development", "testing", "deployment"];
const BESIDE = STATUSES.filter((status) => !MAIN.includes(status));

type Measures = {
  node: { width: number; height: number };
  /** From the origin to the first status of the main way; moves back bend through it. */
  margin: number;
  /** Between the statuses of the main way, and between it and the others. */
  gap: number;
  aside: number;
};

const MEASURES: Record<Orientation, Measures> = {
  wide: { node: { width: 136, height: 40 }, margin: 44, gap: 40, aside: 64 },
  tall: { node: { width: 132, height: 40 }, margin: 26, gap: 28, aside: 16 },
};

export type LifecycleState = {
  status: Status;
  allowedNext: readonly Status[];
  /** The moves that it made. */
  path: readonly { from: Status; to: Status }[];
};

/**
 * The lifecycle's table as a picture. Of the moves to and from what is beside the main way (paused, failed, deleting),
 * which lead there from almost everywhere, those are drawn that concern this project.
 */
export function layoutLifecycle(state: LifecycleState, orientation: Orientation): LifecycleLayout {
  const places = nodePlaces(orientation);
  const been = new Set(state.path.flatMap(({ from, to }) => [from, to]));
  const made = new Set(state.path.map(({ from, to }) => `${from} ${to}`));
  const roleOf = (status: Status): NodePlace["role"] => {
    if (status === state.status) return "here";
    if (state.allowedNext.includes(status)) return "next";
    return been.has(status) || status === "created" ? "been" : "other";
  };
  const roleOfEdge = ({ from, to }: Edge): EdgePlace["role"] => {
    if (from === state.status && state.allowedNext.includes(to)) return "next";
    return made.has(`${from} ${to}`) ? "made" : "other";
  };
  const edges = EDGES.map((edge) => ({ edge, role: roleOfEdge(edge) }))
    .filter(({ edge, role }) => role !== "other" || (MAIN.includes(edge.from) && MAIN.includes(edge.to)))
    .map(({ edge: { from, to }, role }) => ({
      from,
      to,
      role,
      path: edgePath(places, from, to, orientation),
    }));
  const { width, height } = extent([...places.values()]);
  return {
    width,
    height,
    nodes: STATUSES.map((status) => ({ ...places.get(status)!, status, role: roleOf(status) })),
    // What matters most is drawn last, and so on top.
    edges: (["other", "made", "next"] as const).flatMap((role) => edges.filter((edge) => edge.role === role)),
  };
}

type Place = { x: number; y: number; width: number; height: number };

function nodePlaces(orientation: Orientation): Map<Status, Place> {
  const { node, margin, gap, aside } = MEASURES[orientation];
  const places = new Map<Status, Place>();
  const step = (orientation === "wide" ? node.width : node.height) + gap;
  MAIN.forEach((status, index) => {
    const along = index * step;
    places.set(status, {
      ...node,
      ...(orientation === "wide" ? { x: along, y: margin } : { x: margin, y: along }),
    });
  });
  BESIDE.forEach((status, index) => {
    // Between the statuses of the main way, so that no line hides another.
    const along = (index + 1) * step + (orientation === "wide" ? 0 : step / 2);
    places.set(status, {
      ...node,
      ...(orientation === "wide"
        ? { x: along, y: margin + node.height + aside }
        : { x: margin + node.width + aside, y: along }),
    });
  });
  return places;
}

function extent(places: readonly Place[]): { width: number; height: number } {
  return {
    width: Math.max(...places.map(({ x, width }) => x + width)) + 1,
    height: Math.max(...places.map(({ y, height }) => y + height)) + 1,
  };
}

/** Room for the arrow's head before a node. */
const HEAD = 3;

function edgePath(places: Map<Status, Place>, from: Status, to: Status, orientation: Orientation): string {
  const one = places.get(from)!;
  const other = places.get(to)!;
  const isWide = orientation === "wide";
  const [start, end] = [MAIN.indexOf(from), MAIN.indexOf(to)];
  if (start >= 0 && end >= 0) {
    if (end > start) {
      return isWide
        ? `M${one.x + one.width} ${middleY(one)}H${other.x - HEAD}`
        : `M${middleX(one)} ${one.y + one.height}V${other.y - HEAD}`;
    }
    return back(one, other, start - end, isWide);
  }
  return aside(one, other, start >= 0, isWide);
}

/** A move back along the main way: a bend before it, the wider the further it leads. */
function back(one: Place, other: Place, distance: number, isWide: boolean): string {
  if (isWide) {
    const bend = one.y - 14 - 12 * distance;
    // Two that arrive at one status do so apart.
    const [x1, x2] = [middleX(one) - 12, middleX(other) + 4 + 16 * (2 - distance)];
    return `M${x1} ${one.y}C${x1} ${bend} ${x2} ${bend} ${x2} ${other.y - HEAD}`;
  }
  const bend = one.x - 8 - 9 * distance;
  const [y1, y2] = [middleY(one) - 6, middleY(other) + 2 + 7 * (2 - distance)];
  return `M${one.x} ${y1}C${bend} ${y1} ${bend} ${y2} ${other.x - HEAD} ${y2}`;
}

/** Between the main way and what is beside it, or between two of the latter; there and back do not share a line. */
function aside(one: Place, other: Place, isLeaving: boolean, isWide: boolean): string {
  const apart = isLeaving ? 8 : -8;
  if (isWide) {
    if (one.y === other.y) {
      const [x1, x2] =
        one.x < other.x ? [one.x + one.width, other.x - HEAD] : [one.x, other.x + other.width + HEAD];
      if (Math.abs(one.x - other.x) <= one.width + 60) return `M${x1} ${middleY(one)}H${x2}`;
      const bend = one.y + one.height + 26;
      return `M${middleX(one)} ${one.y + one.height}C${middleX(one)} ${bend} ${middleX(other)} ${bend} ${middleX(other)} ${other.y + other.height + HEAD}`;
    }
    const isDown = other.y > one.y;
    const [x1, x2] = [middleX(one) + apart, middleX(other) + apart];
    const [y1, y2] = isDown ? [one.y + one.height, other.y - HEAD] : [one.y, other.y + other.height + HEAD];
    const half = (y1 + y2) / 2;
    return `M${x1} ${y1}C${x1} ${half} ${x2} ${half} ${x2} ${y2}`;
  }
  if (one.x === other.x) {
    return one.y < other.y
      ? `M${middleX(one)} ${one.y + one.height}V${other.y - HEAD}`
      : `M${middleX(one)} ${one.y}V${other.y + other.height + HEAD}`;
  }
  const isRight = other.x > one.x;
  const [y1, y2] = [middleY(one) + apart, middleY(other) + apart];
  const [x1, x2] = isRight ? [one.x + one.width, other.x - HEAD] : [one.x, other.x + other.width + HEAD];
  const half = (x1 + x2) / 2;
  return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
}

const middleX = ({ x, width }: Place) => x + width / 2;
const middleY = ({ y, height }: Place) => y + height / 2;
