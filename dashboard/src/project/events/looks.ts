import {
  Bot,
  Box,
  FolderTree,
  KeyRound,
  Network,
  Package,
  Rocket,
  Server,
  SquareTerminal,
  Users,
} from "lucide-react";
import type { Look } from "../../shared/marks.tsx";
import type { EventGroup } from "./timeline.ts";

export const GROUP_LOOKS: Record<EventGroup, Look> = {
  project: { Icon: FolderTree, color: "indigo" },
  environment: { Icon: Box, color: "blue" },
  release: { Icon: Package, color: "orange" },
  deploy: { Icon: Rocket, color: "green" },
  workspace: { Icon: SquareTerminal, color: "gray" },
  agent: { Icon: Bot, color: "grape" },
  secret: { Icon: KeyRound, color: "yellow" },
  network: { Icon: Network, color: "cyan" },
  group: { Icon: Users, color: "teal" },
  host: { Icon: Server, color: "gray" },
};
