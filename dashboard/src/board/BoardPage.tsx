import { Box, Group, NativeSelect } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "convex/react";
import { Rocket } from "lucide-react";
import { useState } from "react";
import { api } from "../../../convex/_generated/api";
import { isStatus, STATUSES, type Status } from "../../../core/lifecycle.ts";
import { useAccess } from "../session/Session.tsx";
import { Empty } from "../shared/Empty.tsx";
import { FirstProjectButton } from "../shared/FirstProjectButton.tsx";
import { Page } from "../shared/Page.tsx";
import { useMove } from "../shared/useMove.tsx";
import { Column } from "./Column.tsx";
import type { Dragged } from "./drag.ts";

/** All projects by status: drag a card, or use its menu, to move one. */
export function BoardPage() {
  const counts = useQuery(api.projects.statusCounts, {});
  const isNarrow = useMediaQuery("(max-width: 48em)", false, { getInitialValueInEffect: false });
  const [shown, setShown] = useState<Status>("development");
  const [dragged, setDragged] = useState<Dragged | null>(null);
  const { move, dialogs } = useMove();
  const total = counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (counts && total === 0) {
    return (
      <Page title="Board">
        <FirstProject />
      </Page>
    );
  }
  const statuses = isNarrow
    ? [shown]
    : STATUSES.filter((status) => status !== "deleting" || counts?.deleting);
  return (
    <Page
      title="Board"
      actions={
        isNarrow && (
          <NativeSelect
            aria-label="Status"
            value={shown}
            data={STATUSES.map((status) => ({
              value: status,
              label: `${status} (${counts?.[status] ?? "…"})`,
            }))}
            onChange={({ currentTarget: { value } }) => isStatus(value) && setShown(value)}
          />
        )
      }
    >
      <Box style={{ flex: 1, minHeight: 320, overflowX: "auto" }}>
        <Group align="stretch" gap="sm" wrap="nowrap" h="100%">
          {statuses.map((status) => (
            <Column
              key={status}
              status={status}
              count={counts?.[status]}
              dragged={dragged}
              onDrag={setDragged}
              onMove={move}
            />
          ))}
        </Group>
      </Box>
      {dialogs}
    </Page>
  );
}

function FirstProject() {
  const { isAdmin } = useAccess();
  return (
    <Empty Icon={Rocket} title="No projects yet" action={<FirstProjectButton />}>
      {isAdmin
        ? "A project starts from a stack with a starter, or from a manifest of yours. Then moving it to development makes it run."
        : "An admin makes the first one."}
    </Empty>
  );
}
