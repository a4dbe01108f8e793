import { Button, Group, Loader, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { usePaginatedQuery } from "convex/react";
import { ListFilter, ScrollText } from "lucide-react";
import { useEffect, useState } from "react";
import { api } from "../../../../convex/_generated/api";
import { Empty } from "../../shared/Empty.tsx";
import { Section } from "../../shared/Section.tsx";
import { useNow } from "../../shared/useNow.ts";
import type { TabProps } from "../tabs.tsx";
import { EventRow } from "./EventRow.tsx";
import { actorsOf, daysOf, EVENT_GROUPS, isWanted, type EventGroup, type Filter } from "./timeline.ts";

const PAGE = 50;
/** With fewer than these in sight, older ones are looked for … */
const FEW = 10;
/** … until so many events were looked through; then by hand. */
const LOOKED_THROUGH = 500;

const EVERYTHING: Filter = { group: "", actor: "" };

/** What happened, newest first. It keeps coming. */
export function EventsTab({ project }: TabProps) {
  const { results, status, loadMore } = usePaginatedQuery(
    api.events.listEvents,
    { project: project.slug },
    { initialNumItems: PAGE },
  );
  const [filter, setFilter] = useState(EVERYTHING);
  const shown = results.filter((event) => isWanted(event, filter));
  const isSearching = status === "CanLoadMore" && shown.length < FEW && results.length < LOOKED_THROUGH;
  useEffect(() => {
    if (isSearching) loadMore(PAGE);
  }, [isSearching, loadMore]);
  const now = useNow();

  return (
    <Section
      title="Events"
      actions={<Filters filter={filter} actors={actorsOf(results)} onChange={setFilter} />}
    >
      {status === "LoadingFirstPage" && <Loader m="md" aria-label="Loading" />}
      {status === "Exhausted" && results.length === 0 && (
        <Empty Icon={ScrollText} title="Nothing happened yet">
          Whatever is done to this project, and whatever its worker sees, will be here.
        </Empty>
      )}
      {results.length > 0 && shown.length === 0 && !isSearching && status !== "LoadingMore" && (
        <Empty
          Icon={ListFilter}
          title="None of these"
          action={
            <Button variant="default" size="xs" onClick={() => setFilter(EVERYTHING)}>
              Show all
            </Button>
          }
        >
          Of the newest {results.length} events none is of that kind.
        </Empty>
      )}
      {daysOf(shown, now).map((day) => (
        <Stack key={day.key} gap={0}>
          <Title order={3} size="sm" c="dimmed" mb={4}>
            {day.title}
          </Title>
          <ol className="timeline">
            {day.events.map((event) => (
              <EventRow key={event.eventId} event={event} />
            ))}
          </ol>
        </Stack>
      ))}
      {status === "LoadingMore" && <Loader size="sm" aria-label="Loading older events" />}
      {status === "CanLoadMore" && !isSearching && (
        <Group gap="sm">
          <Button variant="default" size="xs" onClick={() => loadMore(PAGE)}>
            Older events
          </Button>
          <Text size="sm" c="dimmed">
            {results.length} looked through
          </Text>
        </Group>
      )}
    </Section>
  );
}

function Filters({
  filter,
  actors,
  onChange,
}: {
  filter: Filter;
  actors: string[];
  onChange: (filter: Filter) => void;
}) {
  return (
    <Group gap="xs">
      <NativeSelect
        size="xs"
        aria-label="About"
        value={filter.group}
        data={[
          { value: "", label: "About anything" },
          ...Object.entries(EVENT_GROUPS).map(([value, label]) => ({ value, label })),
        ]}
        onChange={(event) => onChange({ ...filter, group: event.currentTarget.value as EventGroup | "" })}
      />
      <NativeSelect
        size="xs"
        aria-label="By"
        value={filter.actor}
        data={[
          { value: "", label: "By anybody" },
          ...actors.map((actor) => ({ value: actor, label: actor })),
        ]}
        onChange={(event) => onChange({ ...filter, actor: event.currentTarget.value })}
      />
    </Group>
  );
}
