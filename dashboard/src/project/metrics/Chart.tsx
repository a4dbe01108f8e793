import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { lineLook } from "./colors.ts";
import { chartOptions, type Drawing } from "./chartOptions.ts";
import type { Aligned } from "./shape.ts";
import classes from "./Chart.module.css";

type Props = Omit<Drawing, "looks" | "width" | "ink" | "grid" | "scheme"> & {
  data: Aligned;
  hidden: ReadonlySet<string>;
  label: string;
};

/** Lines over time. What it shows is also told in numbers by whoever shows it: a canvas is silent. */
export function Chart({ data, hidden, label, ...drawing }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const scheme = useComputedColorScheme("light");
  // What changes with each point is read while drawing; all else makes another chart.
  const latest = useRef(drawing);
  const { names, format, isBinary } = drawing;
  const namesKey = names.join("\n");

  useEffect(() => {
    latest.current = drawing;
  });
  useEffect(() => {
    const parent = place.current!;
    const style = getComputedStyle(parent);
    const chart = new uPlot(
      chartOptions(
        {
          names: namesKey.split("\n"),
          format,
          isBinary,
          looks: namesKey.split("\n").map((_, index) => lineLook(index, scheme)),
          width: parent.clientWidth,
          ink: style.getPropertyValue("--mantine-color-dimmed"),
          grid: style.getPropertyValue("--mantine-color-default-border"),
        },
        () => latest.current,
      ),
      [[], ...namesKey.split("\n").map(() => [])],
      parent,
    );
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      if (parent.clientWidth > 0 && parent.clientWidth !== chart.width) {
        chart.setSize({ width: parent.clientWidth, height: chart.height });
      }
    });
    observer.observe(parent);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [namesKey, format, isBinary, scheme]);

  useEffect(() => {
    plot.current?.setData([data.times, ...data.columns]);
  }, [data, namesKey, format, isBinary, scheme, drawing.isToLimits, drawing.startS]);
  useEffect(() => {
    namesKey.split("\n").forEach((name, index) => {
      plot.current?.setSeries(index + 1, { show: !hidden.has(name) });
    });
  }, [hidden, namesKey, format, isBinary, scheme]);

  return <div ref={place} className={classes.chart} role="img" aria-label={label} />;
}
