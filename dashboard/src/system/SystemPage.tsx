import { useConvexConnectionState } from "convex/react";
import { Page } from "../shared/Page.tsx";

export function SystemPage() {
  const { isWebSocketConnected } = useConvexConnectionState();
  return (
    <Page title="System">
      {isWebSocketConnected ? "The backend answers." : "The backend does not answer."}
    </Page>
  );
}
