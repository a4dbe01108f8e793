import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { usePaginatedQuery } from "convex/react";
import { Box, Search, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { api } from "../../../convex/_generated/api";
import { projectPath } from "../shared/urls.ts";

const NEWEST = 100;

/** Ctrl+K: to any page or project by its name. */
export function Finder({ places }: { places: { to: string; label: string; Icon: LucideIcon }[] }) {
  const [isOpen, setOpen] = useState(false);
  const navigate = useNavigate();
  // Nothing is asked for until somebody looks.
  const { results } = usePaginatedQuery(api.projects.listProjects, isOpen ? {} : "skip", {
    initialNumItems: NEWEST,
  });
  const actions: SpotlightActionData[] = [
    ...places.map(({ to, label, Icon }) => ({
      id: `page ${to}`,
      label,
      description: "Page",
      leftSection: <Icon size={18} aria-hidden />,
      onClick: () => void navigate(to),
    })),
    ...results.map(({ slug, name, status }) => ({
      id: `project ${slug}`,
      label: name,
      description: `${slug} · ${status}`,
      keywords: [slug],
      leftSection: <Box size={18} aria-hidden />,
      onClick: () => void navigate(projectPath(slug)),
    })),
  ];
  return (
    <Spotlight
      actions={actions}
      shortcut={["mod + K", "/"]}
      limit={12}
      attributes={{ content: { "aria-label": "Find a project or a page" } }}
      scrollable
      maxHeight={420}
      nothingFound="Nothing has that name among the newest projects. The list searches all."
      searchProps={{
        leftSection: <Search size={18} aria-hidden />,
        placeholder: "Find a project or a page",
        "aria-label": "Find",
      }}
      onSpotlightOpen={() => setOpen(true)}
      onSpotlightClose={() => setOpen(false)}
    />
  );
}
