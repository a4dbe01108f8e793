import { Alert } from "@mantine/core";
import { useConvexConnectionState } from "convex/react";
import { WifiOff } from "lucide-react";
import { useEffect, useState } from "react";

/** A short break heals unnoticed. */
const SHOWN_AFTER_MS = 1500;

/** Says that what is shown is old, while there is no connection. */
export function ConnectionBanner() {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (isWebSocketConnected) return;
    const timer = setTimeout(() => setLong(true), SHOWN_AFTER_MS);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [isWebSocketConnected]);
  if (isWebSocketConnected || !isLong) return null;
  return (
    <Alert color="yellow" radius={0} icon={<WifiOff aria-hidden />} role="status" py="xs">
      {hasEverConnected
        ? "The connection is lost. What you see may be old; it goes on by itself once Slipway answers."
        : "Slipway does not answer yet. This page goes on by itself once it does."}
    </Alert>
  );
}
