import { useQuery } from "convex/react";
import { api } from "../../../convex/_generated/api";
import { Ago } from "../shared/Ago.tsx";

/** A host's lease, which each heartbeat prolongs. */
export function Lease({ hostId }: { hostId: string }) {
  const lease = useQuery(api.hosts.lease, { hostId });
  if (lease === undefined) return "…";
  if (lease === null) return "none: no worker holds it";
  return (
    <>
      heartbeat <Ago at={lease.heartbeatAt} />, held until {new Date(lease.expiresAt).toLocaleTimeString()}
    </>
  );
}
