import type { FunctionReturnType } from "convex/server";
import {
  Bot,
  ChartLine,
  FileCode,
  FileSearch,
  History,
  KeyRound,
  LayoutDashboard,
  ListOrdered,
  Package,
  ScrollText,
  SquareTerminal,
  type LucideIcon,
} from "lucide-react";
import type { ComponentType } from "react";
import type { api } from "../../../convex/_generated/api";
import type { Access } from "../session/Session.tsx";
import { AgentsTab } from "./agents/AgentsTab.tsx";
import { CodeTab } from "./code/CodeTab.tsx";
import { EventsTab } from "./events/EventsTab.tsx";
import { LogsTab } from "./logs/LogsTab.tsx";
import { ManifestTab } from "./manifest/ManifestTab.tsx";
import { MetricsTab } from "./metrics/MetricsTab.tsx";
import { OverviewTab } from "./overview/OverviewTab.tsx";
import { PlanTab } from "./plan/PlanTab.tsx";
import { ReleasesTab } from "./releases/ReleasesTab.tsx";
import { SecretsTab } from "./secrets/SecretsTab.tsx";
import { TerminalTab } from "./terminal/TerminalTab.tsx";

export type ProjectView = NonNullable<FunctionReturnType<typeof api.projects.getProject>>;
export type TabProps = { project: ProjectView };

type TabEntry = {
  /** Its part of the address. */
  id: string;
  label: string;
  Icon: LucideIcon;
  Tab: ComponentType<TabProps>;
  /** Whether it is of any use to who is signed in; to everybody where it does not say. */
  isFor?: (access: Access) => boolean;
};

/** A project's tabs, in their order: each a folder beside this file. */
export const TABS: readonly TabEntry[] = [
  { id: "overview", label: "Overview", Icon: LayoutDashboard, Tab: OverviewTab },
  { id: "logs", label: "Logs", Icon: ScrollText, Tab: LogsTab },
  { id: "metrics", label: "Metrics", Icon: ChartLine, Tab: MetricsTab },
  {
    id: "terminal",
    label: "Terminal",
    Icon: SquareTerminal,
    Tab: TerminalTab,
    isFor: ({ may }) => may("exec"),
  },
  { id: "plan", label: "Plan", Icon: ListOrdered, Tab: PlanTab },
  { id: "releases", label: "Releases", Icon: Package, Tab: ReleasesTab },
  { id: "events", label: "Events", Icon: History, Tab: EventsTab },
  { id: "agents", label: "Agents", Icon: Bot, Tab: AgentsTab },
  { id: "secrets", label: "Secrets", Icon: KeyRound, Tab: SecretsTab },
  { id: "code", label: "Code", Icon: FileSearch, Tab: CodeTab },
  { id: "manifest", label: "Manifest", Icon: FileCode, Tab: ManifestTab },
];
