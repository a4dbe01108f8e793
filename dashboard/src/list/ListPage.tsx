import { Group, MultiSelect, Text, TextInput } from "@mantine/core";
import { usePaginatedQuery } from "convex/react";
import { Search, Table2 } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import { api } from "../../../convex/_generated/api";
import { isStatus, STATUSES, type Status } from "../../../core/lifecycle.ts";
import { Empty } from "../shared/Empty.tsx";
import { FirstProjectButton } from "../shared/FirstProjectButton.tsx";
import { Page } from "../shared/Page.tsx";
import { useMove } from "../shared/useMove.tsx";
import { arrange, type Order } from "./arrange.ts";
import { ProjectTable } from "./ProjectTable.tsx";

const PAGE = 100;
/** More are not brought here to be searched; the board and the finder know them. */
const MOST = 5000;

/** All projects in a table: searched, filtered and sorted here, once they have come. */
export function ListPage() {
  const list = usePaginatedQuery(api.projects.listProjects, {}, { initialNumItems: PAGE });
  const projects = list.results;
  const { status: loading, loadMore } = list;
  useEffect(() => {
    if (loading === "CanLoadMore" && projects.length < MOST) loadMore(PAGE);
  }, [loading, loadMore, projects.length]);

  const [words, setWords] = useState("");
  const [statuses, setStatuses] = useState<Status[]>([]);
  const [order, setOrder] = useState<Order>({ by: "changed", isDescending: true });
  const sought = useDeferredValue(words);
  const shown = useMemo(
    () => arrange(projects, { words: sought, statuses, order }),
    [projects, sought, statuses, order],
  );
  const { move, dialogs } = useMove();
  const isEmpty = loading === "Exhausted" && projects.length === 0;
  return (
    <Page title="Projects">
      {isEmpty ? (
        <Empty Icon={Table2} title="No projects yet" action={<FirstProjectButton />}>
          Each project is a row here: its status, what runs of it, and what is wrong.
        </Empty>
      ) : (
        <>
          <Group gap="sm" align="flex-end">
            <TextInput
              label="Search"
              placeholder="Name, slug or stack"
              leftSection={<Search size={16} aria-hidden />}
              value={words}
              onChange={(event) => setWords(event.currentTarget.value)}
              style={{ flex: "1 1 220px" }}
            />
            <MultiSelect
              label="Status"
              placeholder={statuses.length === 0 ? "All" : undefined}
              data={[...STATUSES]}
              value={statuses}
              onChange={(chosen) => setStatuses(chosen.filter(isStatus))}
              clearable
              clearButtonProps={{ "aria-label": "All statuses" }}
              style={{ flex: "1 1 220px" }}
            />
          </Group>
          <Text size="sm" c="dimmed" role="status">
            {shown.length === projects.length
              ? counted(projects.length)
              : `${shown.length} of ${counted(projects.length)}`}
            {loading !== "Exhausted" && projects.length < MOST && ", more are coming"}
            {projects.length >= MOST && loading !== "Exhausted" && `; only the newest ${MOST} are shown`}
          </Text>
          <ProjectTable
            projects={shown}
            order={order}
            onOrder={setOrder}
            onMove={move}
            isLoading={loading === "LoadingFirstPage"}
          />
        </>
      )}
      {dialogs}
    </Page>
  );
}

function counted(count: number): string {
  return `${count} ${count === 1 ? "project" : "projects"}`;
}
