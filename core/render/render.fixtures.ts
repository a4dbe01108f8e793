import { readFileSync } from "node:fs";
import { parseManifest, type ManifestInput } from "../manifest.ts";
import type { EnvironmentSpec, ProjectSpec } from "../projectSpec.ts";
import type { Stacks } from "../stack.ts";

/** What the tests of rendering and of the worker render: the real template, small stacks. */

export const TEMPLATE = readFileSync(new URL("../../docker/project-template.yml", import.meta.url), "utf8");

export const STACKS: Stacks = {
  node: {
    name: "node",
    about: "Node.js",
    starter: "starters/node",
    image: "slipway/node:20",
    port: 3000,
    commands: {
      dev: ["node", "--watch", "server.js"],
      test: ["node", "--test"],
      deploy: ["node", "server.js"],
    },
    ready: "/health",
    healthcheck: ["CMD", "node", "-e", "fetch('http://127.0.0.1:3000/health')"],
    writable: ["/var/cache/app"],
    environment: { NODE_ENV: "development" },
  },
  static: {
    name: "static",
    about: "Plain files",
    starter: "starters/static",
    image: "slipway/static:1",
    port: 8080,
    commands: { dev: ["nginx"], test: ["nginx", "-t"], deploy: ["nginx"] },
    ready: "/",
    healthcheck: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"],
    writable: [],
    environment: {},
  },
};

export const NAMESPACE = "project_1700000000000_abcdefgh";

export function projectSpec(
  manifest: Partial<ManifestInput> = {},
  environments: Partial<EnvironmentSpec>[] = [{ kind: "dev", desired: "running" }],
): ProjectSpec {
  return {
    projectId: "p1",
    slug: "shop",
    name: "Shop",
    namespace: NAMESPACE,
    status: "development",
    manifest: parseManifest({
      name: "Shop",
      ...(manifest.services ? {} : { stack: "node" }),
      ...manifest,
    }),
    environments: environments.map((environment, index) => ({
      kind: "dev",
      desired: "running",
      generation: 1,
      subnet: `10.248.${index}.0/26`,
      egressSubnet: `10.248.${index}.64/26`,
      keepVolumes: false,
      ...environment,
    })),
  };
}
