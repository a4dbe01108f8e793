import { describe, expect, test } from "vitest";
import { parseManifest, type ManifestInput } from "./manifest.ts";
import { changedPaths, concernedKinds } from "./manifestDiff.ts";

const manifest = (more: Partial<ManifestInput>) => parseManifest({ name: "shop", ...more });

describe("two manifests differ", () => {
  test("nowhere where only the order of keys, or a default spelled out, is another", () => {
    const one = manifest({ stack: "node", env: { A: "1", B: "2" } });
    const other = manifest({ env: { B: "2", A: "1" }, stack: "node", egress: "open" });
    expect(changedPaths(one, other)).toEqual([]);
  });

  test("at paths, never at values", () => {
    const one = manifest({ services: { web: { stack: "node", route: "/" } }, env: { KEY: "secret one" } });
    const other = manifest({
      services: {
        web: { stack: "node", route: "/", gateway: { bodySize: "1m" } },
        api: { stack: "node" },
      },
      env: { KEY: "secret two" },
      environments: { test: { memory: "2g" } },
    });
    expect(changedPaths(one, other)).toEqual([
      "env.KEY",
      "environments.test.memory",
      "services.api",
      "services.web.gateway",
    ]);
  });
});

test("a change concerns the environments that it is about", () => {
  expect(concernedKinds(["environments.test.memory"])).toEqual(["test"]);
  expect(concernedKinds(["domains"])).toEqual(["deploy"]);
  expect(concernedKinds(["domains", "environments.dev.cpus"])).toEqual(["dev", "deploy"]);
  expect(concernedKinds(["services.web.gateway"])).toEqual(["dev", "test", "deploy"]);
  expect(concernedKinds([])).toEqual([]);
});
