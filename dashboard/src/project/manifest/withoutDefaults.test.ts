import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { parseManifest, type ManifestInput } from "../../../../core/manifest.ts";
import { manifestYaml, withoutDefaults } from "./withoutDefaults.ts";

const written: Record<string, ManifestInput> = {
  bare: { name: "shop", stack: "node" },
  services: {
    name: "shop",
    services: {
      web: { stack: "react", route: "/" },
      api: { stack: "node", route: "/api", replicas: 2, env: { LOG_LEVEL: "info" } },
    },
    attachments: ["postgres:15", { image: "redis:7-alpine", alias: "cache", memory: "256m" }],
    domains: ["shop.example.com"],
    egress: "none",
    env: { COLOUR: "blue" },
    environments: { dev: { cpus: 0.5 }, deploy: { replicas: 2, rollout: { drain: "5s" } } },
  },
};

describe.each(Object.entries(written))("of the %s manifest", (_name, input) => {
  test("what was written comes back, and nothing else", () => {
    expect(withoutDefaults(parseManifest(input))).toEqual(input);
  });

  test("its text reads as the same manifest", () => {
    const manifest = parseManifest(input);
    expect(parseManifest(load(manifestYaml(manifest)))).toEqual(manifest);
  });
});

test("a value that equals the default is one: it is left out", () => {
  const manifest = parseManifest({
    name: "shop",
    stack: "node",
    egress: "open",
    environments: { dev: { cpus: 2 } },
  });
  expect(withoutDefaults(manifest)).toEqual({ name: "shop", stack: "node" });
});

test("keys keep their order", () => {
  const manifest = parseManifest(written.services);
  const keys = Object.keys(withoutDefaults(manifest));
  expect(keys).toEqual(Object.keys(manifest).filter((key) => keys.includes(key)));
});

test("a manifest that this page does not understand is shown as it is", () => {
  expect(load(manifestYaml({ name: "shop", of: "tomorrow" }))).toEqual({ name: "shop", of: "tomorrow" });
});
