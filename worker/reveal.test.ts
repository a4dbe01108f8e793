import { expect, test } from "vitest";
import { revealed, revealer } from "./reveal.ts";
import type { ContainerPlan } from "./engine/engine.ts";

const container = {
  name: "c",
  environment: { PLAIN: "x", URL: "•••", KEY: "•••" },
  hidden: {
    URL: ["redis://:", { credential: "ns/dev/cache/password" }, "@cache"],
    KEY: [{ secret: "KEY", version: "1" }],
  },
} as unknown as ContainerPlan;

test("hidden values are put in as a container is made, and the plan itself stays without them", async () => {
  const made = await revealed(
    container,
    revealer({ KEY: "s3cret" }, async (name) => `<${name}>`),
  );
  expect(made.environment).toEqual({
    PLAIN: "x",
    URL: "redis://:<ns/dev/cache/password>@cache",
    KEY: "s3cret",
  });
  expect(JSON.stringify(container)).not.toContain("s3cret");
});

test("a secret that was not opened is an error that names it", async () => {
  await expect(
    revealed(
      container,
      revealer({}, async () => ""),
    ),
  ).rejects.toThrow(/secret KEY/);
});
