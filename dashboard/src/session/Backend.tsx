import { Center, Loader } from "@mantine/core";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { createContext, use, useEffect, useState, type ReactNode } from "react";
import { Problem } from "../shared/Problem.tsx";
import { problemOf } from "../shared/problem.ts";
import { readSettings, type Settings } from "./settings.ts";
import { SessionProvider } from "./Session.tsx";

/** Between attempts to find Slipway. */
const AGAIN_MS = 3000;

type Connected = { settings: Settings; client: ConvexReactClient };

const SettingsContext = createContext<Settings | null>(null);

/** The settings that the server of this page gave it. */
export function useSettings(): Settings {
  const settings = use(SettingsContext);
  if (!settings) throw new Error("useSettings is used outside Backend");
  return settings;
}

/** Finds out where Convex is, and connects everything below to it. */
export function Backend({ children }: { children: ReactNode }) {
  const [connected, setConnected] = useState<Connected | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    let client: ConvexReactClient | undefined;
    let left = false;
    readSettings().then(
      (settings) => {
        if (left) return;
        client = new ConvexReactClient(settings.convexUrl ?? window.location.origin, {
          skipConvexDeploymentUrlCheck: true,
          // What goes wrong is shown where it is asked for.
          logger: false,
        });
        setConnected({ settings, client });
      },
      (error: unknown) => {
        if (!left) setFailure(error);
      },
    );
    return () => {
      left = true;
      void client?.close();
    };
  }, [attempt]);

  const isFailed = failure !== null && !connected;
  useEffect(() => {
    if (!isFailed) return;
    const timer = setTimeout(() => setAttempt(attempt + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isFailed, failure, attempt]);

  if (isFailed) {
    return (
      <Center mih="100%" p="md">
        <Problem
          problem={{
            ...problemOf(failure),
            title: "Slipway does not answer",
            hint: "Look whether it runs: slipway status. This page tries again by itself.",
          }}
          onRetry={() => setAttempt(attempt + 1)}
        />
      </Center>
    );
  }
  if (!connected) {
    return (
      <Center h="100%">
        <Loader aria-label="Connecting" />
      </Center>
    );
  }
  return (
    <SettingsContext value={connected.settings}>
      <ConvexProvider client={connected.client}>
        <SessionProvider client={connected.client}>{children}</SessionProvider>
      </ConvexProvider>
    </SettingsContext>
  );
}
