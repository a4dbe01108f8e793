import { Tabs } from "@mantine/core";
import { useQuery } from "convex/react";
import { Compass } from "lucide-react";
import { useNavigate, useParams } from "react-router";
import { api } from "../../../convex/_generated/api";
import { useAccess } from "../session/Session.tsx";
import { Empty } from "../shared/Empty.tsx";
import { Guarded } from "../shared/Guarded.tsx";
import { Page } from "../shared/Page.tsx";
import { StatusMark } from "../shared/marks.tsx";
import { projectPath } from "../shared/urls.ts";
import { TABS, type ProjectView } from "./tabs.tsx";

/** One project: what every tab is about, and the tabs. */
export function ProjectPage() {
  const { slug = "", tab = "overview" } = useParams();
  const project = useQuery(api.projects.getProject, { project: slug });
  if (project === undefined) return <Page title={slug}>{null}</Page>;
  if (project === null) {
    return (
      <Page title={slug}>
        <Empty Icon={Compass} title={`There is no project ${slug}`}>
          It may have been deleted, or your token is not for it.
        </Empty>
      </Page>
    );
  }
  return <Shown project={project} tab={tab} />;
}

function Shown({ project, tab }: { project: ProjectView; tab: string }) {
  const navigate = useNavigate();
  const { slug, name, status } = project;
  const access = useAccess();
  const shown = TABS.filter((one) => one.isFor?.(access) ?? true);
  const current = shown.find((one) => one.id === tab) ?? shown[0]!;
  return (
    <Page title={name} actions={<StatusMark status={status} size="lg" />}>
      <Tabs
        value={current.id}
        onChange={(id) => void navigate(projectPath(slug, id ?? undefined))}
        keepMounted={false}
      >
        <Tabs.List>
          {shown.map(({ id, label, Icon }) => (
            <Tabs.Tab key={id} value={id} leftSection={<Icon size={16} aria-hidden />}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current.id} pt="md">
          <Guarded about={`${slug} ${current.id}`}>
            <current.Tab project={project} />
          </Guarded>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
