import { Paper, ScrollArea, Table, Text, Title, useComputedColorScheme } from "@mantine/core";
import { useId, useMemo } from "react";
import type { MetricSeries } from "../../../../core/metrics.ts";
import { Chart } from "./Chart.tsx";
import { topOf } from "./chartOptions.ts";
import { lineLook } from "./colors.ts";
import { LineSample } from "./SeriesPicker.tsx";
import { aligned, limitsOf, summaryOf, type MetricField, type RANGES } from "./shape.ts";

export type Metric = {
  field: MetricField;
  title: string;
  format: (value: number) => string;
  /** Whether steps of 1024 are round numbers. */
  isBinary: boolean;
};

type Props = {
  metric: Metric;
  series: MetricSeries[];
  names: string[];
  hidden: ReadonlySet<string>;
  isToLimits: boolean;
  /** The newest point, in ms since 1970. */
  end: number;
  range: (typeof RANGES)[keyof typeof RANGES];
  /** `dev of shop` */
  about: string;
};

/** One thing that containers use: its lines, and the same in numbers. */
export function ChartCard({ metric, series, names, hidden, isToLimits, end, range, about }: Props) {
  const id = useId();
  const scheme = useComputedColorScheme("light");
  const { field, title, format, isBinary } = metric;
  const limits = useMemo(() => limitsOf(series, field), [series, field]);
  const data = useMemo(() => aligned(series, field, range.everyMs), [series, field, range.everyMs]);
  const limitText = limits.map(format).join(" and ");
  const highest = data.columns
    .filter((_, index) => !hidden.has(names[index]!))
    .flat()
    .reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const isAbove = limits.some((limit) => limit > topOf(highest, { limits, isToLimits }));
  return (
    <Paper withBorder p="sm" component="article" aria-labelledby={id} style={{ minWidth: 0 }}>
      <Title order={3} size="h5" id={id}>
        {title}
        {limitText !== "" && (
          <Text span inherit size="sm" fw={400} c="dimmed">
            {" "}
            limit {limitText}
            {isAbove && ", far above"}
          </Text>
        )}
      </Title>
      <Chart
        data={data}
        names={names}
        hidden={hidden}
        limits={limits}
        isToLimits={isToLimits}
        startS={(end - range.spanMs) / 1000}
        endS={end / 1000}
        format={format}
        isBinary={isBinary}
        label={`${title} of ${about} over the last ${range.words}; the table below has it in numbers`}
      />
      <ScrollArea.Autosize
        mah={220}
        type="auto"
        viewportProps={{ tabIndex: 0, role: "region", "aria-label": `${title} in numbers` }}
      >
        <Table fz="sm" verticalSpacing={3} horizontalSpacing="xs" withRowBorders={false}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Container</Table.Th>
              {["Latest", "Mean", "Max"].map((word) => (
                <Table.Th key={word} scope="col" ta="right">
                  {word}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {series.map(({ points }, index) => {
              const { latest, mean, max } = summaryOf(points, field);
              return (
                <Table.Tr key={names[index]}>
                  <Table.Th scope="row" fw={400} style={{ whiteSpace: "nowrap" }}>
                    <LineSample {...lineLook(index, scheme)} /> {names[index]}
                  </Table.Th>
                  {[latest, mean, max].map((value, column) => (
                    <Table.Td key={column} ta="right" style={{ whiteSpace: "nowrap" }}>
                      {value === null ? "–" : format(value)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </Paper>
  );
}
