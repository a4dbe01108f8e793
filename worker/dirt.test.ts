import { expect, test } from "vitest";
import { LABELS } from "../core/labels.ts";
import { dirtOf } from "./dirt.ts";
import type { EngineEvent } from "./engine/engine.ts";

const NAMESPACE = "project_1700000000000_abcdefgh";
const labels = { [LABELS.instance]: "abcd1234", [LABELS.namespace]: NAMESPACE };
const of = (event: Partial<EngineEvent>) =>
  dirtOf(
    { type: "container", action: "start", id: "c1", name: "x", labels, exitCode: null, ...event },
    "abcd1234",
  );

test("a container that ends takes its address out before anything is thought of", () => {
  expect(of({ action: "die" })).toEqual({ kind: "namespace", namespace: NAMESPACE, withdraw: "c1" });
  expect(of({ action: "start" })).toEqual({ kind: "namespace", namespace: NAMESPACE, withdraw: null });
  expect(of({ action: "health_status: unhealthy" })).toMatchObject({ withdraw: null });
});

test("networks and volumes are known by their names, since Docker tells no labels", () => {
  expect(of({ type: "network", action: "destroy", name: `${NAMESPACE}_dev` })).toMatchObject({
    namespace: NAMESPACE,
  });
  expect(of({ type: "volume", action: "destroy", name: `${NAMESPACE}_dev_workspace` })).toMatchObject({
    namespace: NAMESPACE,
  });
  expect(of({ type: "network", action: "destroy", name: "bridge" })).toBeNull();
});

test("what is another instance's is nobody's business", () => {
  expect(of({ labels: { ...labels, [LABELS.instance]: "zzzz9999" } })).toBeNull();
  expect(of({ labels: {} })).toBeNull();
});

test("only the gateway's own end calls for the gateway", () => {
  const shared = (role: string) => ({ [LABELS.instance]: "abcd1234", [LABELS.role]: role });
  expect(of({ action: "die", labels: shared("gateway") })).toEqual({ kind: "gateway", container: "c1" });
  expect(of({ action: "start", labels: shared("gateway") })).toBeNull();
  expect(of({ action: "die", labels: shared("firewall") })).toBeNull();
});
