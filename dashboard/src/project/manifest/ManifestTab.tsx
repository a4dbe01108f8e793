import { Center, Loader } from "@mantine/core";
import { Suspense } from "react";
import { lazily } from "../../shared/lazily.ts";
import type { TabProps } from "../tabs.tsx";

const ManifestForm = lazily(async () => (await import("./ManifestForm.tsx")).ManifestForm);

/** What is to be run, as YAML. The editor is large: it is fetched when somebody comes here. */
export function ManifestTab({ project }: TabProps) {
  return (
    <Suspense
      fallback={
        <Center mih={200}>
          <Loader aria-label="Loading the editor" />
        </Center>
      }
    >
      <ManifestForm key={project.projectId} project={project} />
    </Suspense>
  );
}
