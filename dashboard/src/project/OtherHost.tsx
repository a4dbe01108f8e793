import { ServerOff } from "lucide-react";
import { Empty } from "../shared/Empty.tsx";
import type { ProjectView } from "./tabs.tsx";

/** In place of what only the worker of the project's own host can give. */
export function OtherHost({ project, what }: { project: ProjectView; what: string }) {
  const { host, slug } = project;
  if (host === null) {
    return (
      <Empty Icon={ServerOff} title="It lives on no host yet">
        {what} comes from the worker of the project&apos;s host. {slug} gets a host when it is first moved on:
        begin with Plan and Develop on the Overview tab.
      </Empty>
    );
  }
  return (
    <Empty Icon={ServerOff} title={`${slug} lives on ${host}`}>
      {what} comes from that host&apos;s worker, and this page is served by another. Type{" "}
      <code>slipway open</code> on {host}: it opens that host&apos;s dashboard, where this tab works.
    </Empty>
  );
}
