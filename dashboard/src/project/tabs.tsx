import type { FunctionReturnType } from "convex/server";
import { LayoutDashboard, type LucideIcon } from "lucide-react";
import type { ComponentType } from "react";
import type { api } from "../../../convex/_generated/api";
import { OverviewTab } from "./overview/OverviewTab.tsx";

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
];
