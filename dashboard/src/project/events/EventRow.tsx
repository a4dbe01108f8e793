import { Badge, Group, Text } from "@mantine/core";
import type { FunctionReturnType } from "convex/server";
import { ArrowRight } from "lucide-react";
import { memo } from "react";
import type { api } from "../../../../convex/_generated/api";
import { GROUP_LOOKS } from "./looks.ts";
import { groupOf } from "./timeline.ts";

export type EventView = FunctionReturnType<typeof api.events.listEvents>["page"][number];

/** One thing that happened: who, what, from what to what, and why. */
export const EventRow = memo(function EventRow({ event }: { event: EventView }) {
  const { at, type, actor, environment, from, to, reason, override, message } = event;
  const { Icon, color } = GROUP_LOOKS[groupOf(type)];
  const when = new Date(at);
  return (
    <li>
      <span className="dot" aria-hidden>
        <Icon size={14} color={`var(--mantine-color-${color}-text)`} />
      </span>
      <div>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {message}
        </Text>
        <Group gap={8} mt={2}>
          <Text size="xs" c="dimmed">
            <time dateTime={when.toISOString()} title={when.toLocaleString()}>
              {when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })}
            </time>{" "}
            · {actor.subject} ({actor.role}) · <span className="mono">{type}</span>
            {environment && ` · ${environment}`}
          </Text>
          {(from !== null || to !== null) && !isId(from) && !isId(to) && (
            <Text size="xs" component="span" className="from-to">
              {from ?? "–"} <ArrowRight size={12} aria-label="to" /> {to ?? "–"}
            </Text>
          )}
          {override && (
            <Badge size="sm" color="red.9">
              override
            </Badge>
          )}
        </Group>
        {reason !== null && (
          <Text size="sm" mt={2}>
            Because: {reason}
          </Text>
        )}
      </div>
    </li>
  );
});

/** A token's id tells a reader nothing; its message does. */
function isId(text: string | null): boolean {
  return text !== null && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text);
}
