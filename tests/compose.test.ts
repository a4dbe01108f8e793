import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { beforeAll, describe, expect, test } from "vitest";
import { projectSpec, TEMPLATE } from "../core/render/render.fixtures.ts";
import { renderProject } from "../core/render/render.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { loadAttachments } from "../docker/attachments/loadAttachments.ts";
import { loadStacks } from "../docker/stacks/loadStacks.ts";

/** What Slipway renders is Compose, as Docker's own tool sees it. */

const KINDS = ["dev", "test", "deploy"] as const;
const stacks = loadStacks();

beforeAll(() => {
  if (spawnSync("docker-compose", ["version"], { timeout: 30_000 }).status === 0) return;
  const install = ["install", "-y", "--no-install-recommends", "docker-compose"];
  const installed = spawnSync("apt-get", install, {
    encoding: "utf8",
    timeout: 240_000,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (installed.status !== 0) {
    throw new Error(
      `Install docker-compose, which apt-get could not: ${installed.stderr || installed.error}`,
    );
  }
});

async function config(...spec: Parameters<typeof projectSpec>) {
  return await configOf(projectSpec(...spec));
}

async function configOf(spec: ProjectSpec) {
  const folder = await mkdtemp(join(tmpdir(), "slipway-compose-"));
  try {
    const { yaml } = renderProject({
      spec,
      stacks,
      attachments: loadAttachments(),
      template: TEMPLATE,
      instanceId: "abcd1234",
    });
    await writeFile(join(folder, "docker-compose.yml"), yaml);
    const run = spawnSync("docker-compose", ["config"], { cwd: folder, encoding: "utf8", timeout: 30_000 });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    return load(run.stdout) as {
      services: Record<string, Record<string, unknown>>;
      networks: Record<string, Record<string, unknown>>;
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("docker-compose config", () => {
  test.each(Object.keys(stacks))("takes every environment of the stack %s", async (stack) => {
    const { services, networks } = await config(
      { stack },
      KINDS.map((kind) => ({ kind })),
    );
    expect(Object.keys(services).sort()).toEqual(["deploy-app", "dev-app", "test-app"]);
    expect(services["dev-app"]).toMatchObject({
      user: "1000:1000",
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
    });
    expect(networks.dev).toMatchObject({ internal: true });
  });

  test("takes attachments, host ports, secrets and a group's network", async () => {
    const spec = projectSpec(
      {
        attachments: [
          "postgres:15",
          { image: "redis:7", alias: "cache", publish: true },
          "mysql",
          "mongodb",
          "rabbitmq",
          "minio/minio",
        ],
      },
      KINDS.map((kind) => ({ kind, ports: { cache: 30_000 } })),
    );
    const { services, networks } = await configOf({
      ...spec,
      secrets: { API_KEY: "a.b.c.d.version" },
      group: {
        name: "backend",
        namespace: "group_1700000000000_abcdefgh",
        attachments: [{ image: "redis:7", alias: "shared", env: {}, memory: "512m", cpus: 1 }],
        desired: { dev: "running", test: "running", deploy: "running" },
        subnets: {},
      },
    });
    expect(Object.keys(services)).toHaveLength(21);
    expect(services["dev-postgres"]).toMatchObject({
      stop_signal: "SIGINT",
      read_only: true,
      cap_drop: ["ALL"],
    });
    expect(services["dev-app"]!.environment).toMatchObject({ DATABASE_URL: "•••", DEV_CACHE_PORT: "30000" });
    expect(networks.dev_group).toMatchObject({ external: true });
  });

  test("reads from it what the manifest says, character by character", async () => {
    const { services } = await config(
      {
        env: { GREETING: 'it\'s ${HOME}: "x" {{y}} #z\n- &a *b %c' },
        services: {
          web: { stack: "static", route: "/" },
          api: { image: "shop-api:1", port: 3000, route: "/api", replicas: 2, command: "echo $PORT" },
        },
      },
      KINDS.map((kind) => ({ kind })),
    );
    // `config` prints its result ready to be read once more: with every $ doubled.
    expect(services["dev-web"]!.environment).toMatchObject({
      GREETING: 'it\'s $${HOME}: "x" {{y}} #z\n- &a *b %c',
    });
    expect(services["dev-api"]).toMatchObject({ command: ["/bin/sh", "-c", "echo $$PORT"], scale: 2 });
  });
});
