import type { EventType } from "../../../../core/eventTypes.ts";

/** The audit log as a timeline: what of it is shown, and under which day. */

/** What an event is about, for people: the part of its type before the dot, related ones together. */
export const EVENT_GROUPS = {
  project: "Project",
  environment: "Environments",
  release: "Releases",
  deploy: "Deploys",
  workspace: "Files and commands",
  agent: "Agents and tokens",
  secret: "Secrets and certificates",
  network: "Ports and networks",
  group: "Groups",
  host: "Hosts",
} as const;
export type EventGroup = keyof typeof EVENT_GROUPS;

const GROUP_OF: Record<string, EventGroup> = {
  project: "project",
  environment: "environment",
  release: "release",
  deploy: "deploy",
  source: "workspace",
  workspace: "workspace",
  agents: "agent",
  agent: "agent",
  token: "agent",
  secret: "secret",
  certificate: "secret",
  port: "network",
  subnet: "network",
  group: "group",
  host: "host",
};

export function groupOf(type: EventType): EventGroup {
  return GROUP_OF[type.split(".")[0]!] ?? "project";
}

export type Shown = { type: EventType; actor: { role: string; subject: string } };
/** Empty: any. */
export type Filter = { group: EventGroup | ""; actor: string };

export function isWanted(event: Shown, { group, actor }: Filter): boolean {
  return (group === "" || groupOf(event.type) === group) && (actor === "" || event.actor.subject === actor);
}

/** Everybody who did something, by name. */
export function actorsOf(events: readonly Shown[]): string[] {
  return [...new Set(events.map(({ actor }) => actor.subject))].sort((one, other) =>
    one.localeCompare(other, "en"),
  );
}

export type Day<T> = { key: string; title: string; events: T[] };

/** Events, newest first, by the day they happened on, where the reader is. `nowMs`: ms since 1970. */
export function daysOf<T extends { at: number }>(events: readonly T[], nowMs: number): Day<T>[] {
  const days: Day<T>[] = [];
  for (const event of events) {
    const key = dayKey(event.at);
    const last = days.at(-1);
    if (last?.key === key) last.events.push(event);
    else days.push({ key, title: dayTitle(event.at, nowMs), events: [event] });
  }
  return days;
}

function dayKey(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

function dayTitle(at: number, nowMs: number): string {
  const yesterday = new Date(nowMs);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayKey(at) === dayKey(nowMs)) return "Today";
  if (dayKey(at) === dayKey(yesterday.getTime())) return "Yesterday";
  return new Intl.DateTimeFormat("en", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
  }).format(at);
}
