import { Stack, Table, Text } from "@mantine/core";
import { hasPassed, type TestVerdict } from "../../../../core/releases.ts";
import { duration } from "../../shared/format.ts";
import { Mark, TRUTH_LOOKS } from "../../shared/marks.tsx";
import { SearchedOutput } from "./SearchedOutput.tsx";

/** How a release's tests ended, service by service, and what they wrote. */
export function TestResults({ result, output }: { result: TestVerdict | null; output: string }) {
  if (!result) return <Text size="sm">There is no result: its tests have not ended.</Text>;
  const { services, timedOut, durationMs } = result;
  return (
    <Stack gap="sm">
      {services.length === 0 ? (
        <Text size="sm">
          There are no tests: the test environment became healthy. A <code>command</code> under{" "}
          <code>environments.test</code> of the manifest runs some.
        </Text>
      ) : (
        <>
          <Text size="sm">
            {timedOut
              ? `Stopped at their time limit, after ${duration(durationMs)}.`
              : `${hasPassed(result) ? "Passed" : "Failed"} in ${duration(durationMs)}.`}
          </Text>
          <div tabIndex={0} role="region" aria-label="Test services" style={{ overflowX: "auto" }}>
            <Table maw={560} verticalSpacing={6} fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th fw={500}>Service</Table.Th>
                  <Table.Th fw={500}>Ended</Table.Th>
                  <Table.Th fw={500} ta="right">
                    Took
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {services.map(({ service, replica, exitCode, durationMs: took }) => (
                  <Table.Tr key={`${service} ${replica}`}>
                    <Table.Td>
                      {service}
                      {replica > 1 && ` ${replica}`}
                    </Table.Td>
                    <Table.Td>
                      <Mark look={exitCode === 0 ? TRUTH_LOOKS.true : TRUTH_LOOKS.false} size="sm">
                        {`exit code ${exitCode}`}
                      </Mark>
                    </Table.Td>
                    <Table.Td ta="right">{duration(took)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        </>
      )}
      {output !== "" && <SearchedOutput output={output} />}
    </Stack>
  );
}
