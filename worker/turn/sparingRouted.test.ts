import { afterEach, expect, test } from "vitest";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { FakeContainer } from "../simulation/engineObjects.ts";
import type { World } from "../simulation/world.ts";
import { developing } from "../testing/developing.ts";

let end = () => {};
afterEach(() => end());

function refuse(world: World): () => void {
  const put = world.gateway.put.bind(world.gateway);
  world.gateway.put = () => {
    throw new GatewayError("invalid", "The gateway refuses this.");
  };
  return () => {
    world.gateway.put = put;
  };
}

const nameOf = (container: FakeContainer | undefined) => container?.name;

test("a container that the gateway's table leads to is not replaced while the switch is refused", async () => {
  const { world, id, call, settle, led, ...scene } = await developing({ stack: "node" });
  end = scene.end;
  const [before] = led();
  expect(before).toBeDefined();
  const accept = refuse(world);
  await call("projects:updateManifest", { project: id, manifest: { stack: "node", env: { EDITED: "1" } } });
  await settle();
  expect(led()[0]?.id).toBe(before?.id);
  accept();
  await settle();
  await settle();
  const [after] = led();
  expect(nameOf(after)).toBe(nameOf(before));
  expect(after?.id).not.toBe(before?.id);
  expect(after?.plan.environment.EDITED).toBe("1");
});

test("what nobody is led to, and what a pause stops, goes all the same", async () => {
  const services = { web: { stack: "node", route: "/" }, jobs: { stack: "node" } };
  const { world, id, call, move, settle, running, led, ...scene } = await developing({ services });
  end = scene.end;
  const [web] = led();
  const accept = refuse(world);
  await call("projects:updateManifest", { project: id, manifest: { services: { web: services.web } } });
  await settle();
  expect(running()).toEqual([nameOf(web)]);
  await move("paused");
  await settle();
  expect(running()).toEqual([]);
  accept();
});
