import type uPlot from "uplot";
import { ticks } from "./ticks.ts";
import classes from "./Chart.module.css";

/** How a chart of lines is drawn. */
export type Drawing = {
  names: string[];
  looks: { color: string; dashes: number[] }[];
  format: (value: number) => string;
  isBinary: boolean;
  /** px */
  width: number;
  /** Colours of what is written, and of the lines behind. */
  ink: string;
  grid: string;
} & Live;

/** What may change from one drawing to the next. */
export type Live = {
  limits: number[];
  /** Whether limits far above the lines are in sight too. */
  isToLimits: boolean;
  /** Seconds since 1970 of the left and the right edge. */
  startS: number;
  endS: number;
};

/** `22:05`; a day's beginning is told by its date. */
function timeText(atS: number): string {
  const at = new Date(atS * 1000);
  return at.getHours() === 0 && at.getMinutes() === 0
    ? at.toLocaleDateString("en", { month: "short", day: "numeric" })
    : at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

const HEIGHT_PX = 190;
/** Seven steps on the axis of values would be crowded. */
const TICKS = 5;
/** Cursors of all charts move together. */
const SYNC = "slipway metrics";

export function chartOptions(drawing: Omit<Drawing, keyof Live>, live: () => Live): uPlot.Options {
  const { names, looks, format, isBinary, width, ink, grid } = drawing;
  const axis = { stroke: ink, font: "12px system-ui, sans-serif", grid: { stroke: grid, width: 1 } };
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [live().startS, Math.max(live().endS, live().startS + 1)] },
      y: { range: (_, __, most) => [0, topOf(most, live())] },
    },
    axes: [
      { ...axis, ticks: { show: false }, space: 70, values: (_, splits) => splits.map(timeText) },
      {
        ...axis,
        ticks: { show: false },
        size: 76,
        splits: (_, __, least, most) => ticks(least, most, TICKS, isBinary),
        values: (_, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        stroke: looks[index]!.color,
        dash: looks[index]!.dashes,
        width: 2,
        spanGaps: false,
        points: { show: false },
      })),
    ],
    hooks: { draw: [(chart) => drawLimits(chart, live().limits, format, ink)] },
    plugins: [readout(drawing)],
  };
}

/** The upper edge: above the highest line, and above the limits where they are wanted or near. */
export function topOf(
  most: number | null,
  { limits, isToLimits }: Pick<Live, "limits" | "isToLimits">,
): number {
  const highest = most ?? 0;
  const shown = limits.filter((limit) => isToLimits || limit < highest * 1.6);
  return Math.max(highest, ...shown) * 1.1 || 1;
}

function drawLimits(chart: uPlot, limits: number[], format: Drawing["format"], ink: string): void {
  const { ctx, bbox } = chart;
  const most = chart.scales.y!.max ?? 0;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.fillStyle = ink;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  const right = bbox.left + bbox.width - 4 * devicePixelRatio;
  for (const limit of limits.filter((one) => one <= most)) {
    const y = Math.round(chart.valToPos(limit, "y", true));
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(`limit ${format(limit)}`, right, y - 4 * devicePixelRatio);
  }
  ctx.restore();
}

/** What the lines are at where the pointer is. */
function readout({ names, format }: Pick<Drawing, "names" | "format">): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = classes.readout!;
  box.hidden = true;
  return {
    hooks: {
      init: (chart) => void chart.over.append(box),
      setCursor: (chart) => {
        const { idx, left = -1 } = chart.cursor;
        const at = idx == null ? undefined : chart.data[0][idx];
        box.hidden = at === undefined || left < 0;
        if (at === undefined || idx == null || box.hidden) return;
        const lines = names.flatMap((name, index) => {
          const value = chart.series[index + 1]?.show ? chart.data[index + 1]?.[idx] : undefined;
          return value == null ? [] : [`${name}: ${format(value)}`];
        });
        box.replaceChildren(
          ...[new Date(at * 1000).toLocaleString(), ...lines].map((text) => {
            const line = document.createElement("div");
            line.textContent = text;
            return line;
          }),
        );
        const isRight = left > chart.over.clientWidth / 2;
        box.style.left = isRight ? "" : `${left + 12}px`;
        box.style.right = isRight ? `${chart.over.clientWidth - left + 12}px` : "";
      },
    },
  };
}
