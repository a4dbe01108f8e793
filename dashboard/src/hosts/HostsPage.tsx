import { useQuery } from "convex/react";
import { api } from "../../../convex/_generated/api";
import { Page } from "../shared/Page.tsx";

export function HostsPage() {
  const hosts = useQuery(api.hosts.listHosts, {});
  return <Page title="Hosts">{hosts?.map(({ name }) => name).join(", ")}</Page>;
}
