import type { FunctionReturnType } from "convex/server";
import {
  ChartLine,
  LayoutDashboard,
  ListOrdered,
  ScrollText,
  SquareTerminal,
  type LucideIcon,
} from "lucide-react";
import type { ComponentType } from "react";
import type { api } from "../../../convex/_generated/api";
import { LogsTab } from "./logs/LogsTab.tsx";
import { MetricsTab } from "./metrics/MetricsTab.tsx";
import { OverviewTab } from "./overview/OverviewTab.tsx";
import { PlanTab } from "./plan/PlanTab.tsx";
import { TerminalTab } from "./terminal/TerminalTab.tsx";

export type ProjectView = NonNullable<FunctionReturnType<typeof api.projects.getProject>>;
export type TabProps = { project: ProjectView };

type TabEntry = {
  /** Its part of the address. */
  id: string;
  label: string;
  Icon: LucideIcon;
  Tab: ComponentType<TabProps>;
  isShown?: (project: ProjectView) => boolean;
};

/** A project's tabs, in their order: each a folder beside this file. */
export const TABS: readonly TabEntry[] = [
  { id: "overview", label: "Overview", Icon: LayoutDashboard, Tab: OverviewTab },
  { id: "logs", label: "Logs", Icon: ScrollText, Tab: LogsTab },
  { id: "metrics", label: "Metrics", Icon: ChartLine, Tab: MetricsTab },
  { id: "terminal", label: "Terminal", Icon: SquareTerminal, Tab: TerminalTab },
  { id: "plan", label: "Plan", Icon: ListOrdered, Tab: PlanTab },
];
