import { Table, Text } from "@mantine/core";
import { RECEIPT_PHASES, type Receipt as Data } from "../../../../core/rollout.ts";

const HEADS = ["", "Accepted", "Served", "Failed", "Left", "p50", "p99"] as const;
const WHAT: Record<(typeof RECEIPT_PHASES)[number], string> = {
  before: "Before",
  during: "During",
  after: "After",
};

/** What a switch cost its users, as the gateway counted it. */
export function Receipt({ receipt }: { receipt: Data }) {
  return (
    <div tabIndex={0} role="region" aria-label="What the switch cost" style={{ overflowX: "auto" }}>
      <Table withRowBorders={false} verticalSpacing={4} fz="sm" miw={420} maw={640}>
        <Table.Thead>
          <Table.Tr>
            {HEADS.map((head) => (
              <Table.Th key={head} ta={head === "" ? "left" : "right"} fw={500}>
                {head === "" ? <span className="visually-hidden">Phase</span> : head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {RECEIPT_PHASES.map((phase) => {
            const { accepted, served, failed, aborted, p50Ms, p99Ms } = receipt[phase];
            return (
              <Table.Tr key={phase}>
                <Table.Th scope="row" fw={500}>
                  {WHAT[phase]}
                </Table.Th>
                <Count>{accepted}</Count>
                <Count>{served}</Count>
                <Count isBad={failed > 0}>{failed}</Count>
                <Count>{aborted}</Count>
                <Count>{inMs(p50Ms)}</Count>
                <Count>{inMs(p99Ms)}</Count>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Count({ children, isBad = false }: { children: number | string; isBad?: boolean }) {
  return (
    <Table.Td ta="right">
      <Text span size="sm" fw={isBad ? 700 : 400} c={isBad ? "var(--mantine-color-red-text)" : undefined}>
        {typeof children === "number" ? children.toLocaleString("en") : children}
      </Text>
    </Table.Td>
  );
}

function inMs(ms: number | null): string {
  return ms === null ? "–" : `${ms} ms`;
}
