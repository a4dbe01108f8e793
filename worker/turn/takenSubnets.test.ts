import { expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { RenderedNetwork } from "../../core/render/rendered.ts";
import type { TakenSubnet } from "../controlPlane.ts";
import type { EngineNetwork } from "../engine/engine.ts";
import { EngineError } from "../engine/engineError.ts";
import type { Failure } from "../execute.ts";
import { reallocateTakenSubnets } from "./takenSubnets.ts";

/** What becomes of a subnet that Docker refuses, by who has it. */

const SHOP = { projectId: "p1", name: "shop", namespace: "project_1_shop" };
const SUBNET = "10.128.0.128/26";

function refused(namespace = SHOP.namespace): Failure {
  const network: RenderedNetwork = {
    ...{ name: `${namespace}_test`, internal: true, subnet: SUBNET, driverOptions: {} },
    labels: { [LABELS.namespace]: namespace },
  };
  const error = new EngineError("subnet_taken", "Docker: Pool overlaps with other one on this address space");
  const create = { do: "create network", target: network.name, network } as const;
  return { operation: { ...create, id: "1", after: [], environment: "test", cause: "" }, error };
}

function held(labels: Record<string, string>, subnet = SUBNET): EngineNetwork {
  return { id: "n1", name: "held", labels, internal: true, subnet };
}

async function exchanged(networks: EngineNetwork[], failure = refused()): Promise<TakenSubnet[]> {
  const told: TakenSubnet[] = [];
  const error = await reallocateTakenSubnets(
    {
      engine: { listNetworks: async () => networks },
      controlPlane: { reallocateSubnet: async (_, taken) => void told.push(taken) },
      instanceId: "i1",
      log: () => {},
    },
    SHOP,
    [failure],
    () => "internal",
  );
  expect(error).toBeNull();
  return told;
}

test("one that somebody outside has is exchanged, by its own name", async () => {
  expect(await exchanged([held({ [LABELS.namespace]: "project_0_other" }, "10.128.1.0/26")])).toEqual([
    { kind: "test", which: "internal", subnet: SUBNET, reason: expect.stringContaining("Pool overlaps") },
  ]);
});

test("one that a network of a deleted project has is waited for: that one goes as an orphan", async () => {
  expect(await exchanged([held({ [LABELS.namespace]: "project_0_gone" })])).toEqual([]);
});

test("one that the wanted network itself has by now is kept", async () => {
  expect(await exchanged([held({ [LABELS.namespace]: SHOP.namespace })])).toEqual([]);
});

test("one that belongs to what all projects share, which never goes, is exchanged", async () => {
  expect(await exchanged([held({})])).toHaveLength(1);
});

test("a group's, which fails in a member's turn, is not the member's own", async () => {
  expect(await exchanged([], refused("group_1_backend"))).toEqual([]);
});
