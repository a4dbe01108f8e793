import { expect, test } from "vitest";
import type { ProbeAnswer } from "./gateway/gateway.ts";
import { gatewayProbe } from "./gatewayProbe.ts";
import type { ProbeTarget } from "./readiness.ts";

const OPEN: ProbeAnswer = { kind: "answered", status: 0 };
const CHECK = ["CMD-SHELL", "pg_isready"];
const database: ProbeTarget = {
  ...{ id: "c1", namespace: "ns", address: "10.0.0.2", port: 5432, path: null, mute: true },
  check: CHECK,
};

/** What was asked, and whether the target counts as ready. */
async function probed(target: ProbeTarget, answer: ProbeAnswer, passes: boolean | Error) {
  const asked: unknown[] = [];
  const gateway = { probe: () => (asked.push("gateway"), Promise.resolve(answer)) };
  const healthCheck = (container: string, check: readonly string[]) => {
    asked.push(container, check);
    return passes instanceof Error ? Promise.reject(passes) : Promise.resolve(passes);
  };
  const ready = await gatewayProbe(gateway, healthCheck)(target).catch(() => "rejected");
  return { ready, asked };
}

test("a database that listens, but is still starting up, is not ready", async () => {
  expect(await probed(database, OPEN, false)).toEqual({ ready: false, asked: ["gateway", "c1", CHECK] });
  expect(await probed(database, OPEN, true)).toMatchObject({ ready: true });
  expect(await probed(database, OPEN, new Error("away"))).toMatchObject({ ready: "rejected" });
});

test("its check is not run before its port is open", async () => {
  const closed: ProbeAnswer = { kind: "failed", reason: "connection refused" };
  expect(await probed(database, closed, true)).toEqual({ ready: false, asked: ["gateway"] });
});

test("without a check an open port will do", async () => {
  const { check: _, ...plain } = database;
  expect(await probed(plain, OPEN, false)).toEqual({ ready: true, asked: ["gateway"] });
});
