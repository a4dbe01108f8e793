import { describe, expect, test } from "vitest";
import { loadAttachments } from "../../docker/attachments/loadAttachments.ts";
import type { ManifestInput } from "../manifest.ts";
import type { EnvironmentSpec, GroupSpec, ProjectSpec } from "../projectSpec.ts";
import { renderGroup, renderProject } from "./render.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "./render.fixtures.ts";

const attachments = loadAttachments();
const means = { template: TEMPLATE, instanceId: "abcd1234", attachments };

const GROUP: GroupSpec = {
  name: "backend",
  namespace: "group_1700000000000_abcdefgh",
  attachments: [{ image: "redis:7", alias: "shared", env: {}, memory: "512m", cpus: 1 }],
  desired: { dev: "running", test: "absent", deploy: "absent" },
  subnets: { dev: "10.248.9.0/26" },
};

function render(
  manifest: Partial<ManifestInput>,
  environment: Partial<EnvironmentSpec> = {},
  more: Partial<ProjectSpec> = {},
) {
  const spec = { ...projectSpec(manifest, [environment]), ...more };
  const { yaml, project } = renderProject({ ...means, spec, stacks: STACKS });
  const [made] = project.environments;
  const service = (name: string) => made!.services.find((one) => one.service === name)!;
  return { yaml, volumes: made!.volumes, networks: made!.networks, service, app: service("app") };
}

describe("an attachment", () => {
  test("is confined, on the internal network alone, with a volume of its own and its own limits", () => {
    const { service, volumes } = render({
      attachments: [{ image: "postgres:15", alias: "db", memory: "1g", volume: "5g" }],
    });
    expect(service("db")).toMatchObject({
      image: "slipway/postgres:15",
      user: "1000:1000",
      readOnly: true,
      capDrop: ["ALL"],
      networks: [{ name: `${NAMESPACE}_dev`, aliases: ["db"] }],
      mounts: [{ volume: `${NAMESPACE}_dev_data_db`, target: "/var/lib/postgresql/data" }],
      memoryBytes: 1024 ** 3,
      port: 5432,
      stopSignal: "SIGINT",
      attachment: true,
    });
    expect(volumes.find(({ name }) => name.endsWith("data_db"))).toMatchObject({
      sizeBytes: 5 * 1024 ** 3,
      fill: [{ from: "empty", user: "1000:1000" }],
    });
  });

  test("of any other image has what that declares, and /data, once it is known", () => {
    const manifest = { attachments: [{ image: "minio/minio", alias: "files" }] };
    const spec = projectSpec(manifest);
    const of = (imageVolumes: Record<string, string[]>) =>
      renderProject({ ...means, spec, stacks: STACKS, imageVolumes }).project.environments[0]!.services[0]!;
    expect(of({})).toMatchObject({ service: "files", volumesUnknown: true });
    const known = of({ "minio/minio": ["/export"] });
    expect(known.volumesUnknown).toBe(false);
    expect(known.mounts.map(({ target }) => target)).toEqual(["/data", "/export"]);
  });
});

describe("services are told", () => {
  test("of each attachment under its alias, and of the first of a kind under the usual names", () => {
    const { app } = render({
      attachments: ["postgres:15", { image: "postgres:15", alias: "audit-log" }, "mysql"],
    });
    const of = (name: string) => app.hidden[name]?.filter((part) => typeof part === "string").join("*");
    expect(of("DATABASE_URL")).toBe("postgresql://app:*@postgres:5432/app");
    expect(of("POSTGRES_URL")).toBe(of("DATABASE_URL"));
    expect(of("AUDIT_LOG_URL")).toBe("postgresql://app:*@audit-log:5432/app");
    expect(of("MYSQL_URL")).toBe("mysql://app:*@mysql:3306/app");
    expect(app.environment).toMatchObject({
      PGHOST: "postgres",
      PGPORT: "5432",
      PGUSER: "app",
      AUDIT_LOG_HOST: "audit-log",
    });
  });

  test("what the manifest says instead, where it says something", () => {
    const { app } = render({ attachments: ["postgres:15"], env: { DATABASE_URL: "mine" } });
    expect(app.environment.DATABASE_URL).toBe("mine");
    expect(app.hidden.DATABASE_URL).toBeUndefined();
  });

  test("of host ports", () => {
    const manifest = { attachments: [{ image: "postgres:15", publish: true }] };
    const { app, service } = render(manifest, { ports: { postgres: 30_007 } });
    expect(app.environment.DEV_POSTGRES_PORT).toBe("30007");
    expect(service("postgres").hostPort).toBe(30_007);
  });
});

describe("a hidden value", () => {
  const sealed = (tag: string) => ({ API_KEY: `a.b.c.d.${tag}` });

  test("is nowhere in what is rendered, and a secret that is set again changes those that see it alone", () => {
    const manifest = { attachments: ["postgres:15"] };
    const one = render(manifest, {}, { secrets: sealed("one"), opened: { API_KEY: "hunter2" } });
    expect(one.yaml).not.toContain("hunter2");
    expect(one.app.environment).toMatchObject({ API_KEY: "•••", DATABASE_URL: "•••", PGPASSWORD: "•••" });
    const same = render(manifest, {}, { secrets: { API_KEY: "one" } });
    expect(same.app.configHash).toBe(one.app.configHash);
    const next = render(manifest, {}, { secrets: sealed("two"), opened: { API_KEY: "hunter2" } });
    expect(next.app.configHash).not.toBe(one.app.configHash);
    expect(next.service("postgres").configHash).toBe(one.service("postgres").configHash);
  });
});

describe("a group", () => {
  test("has networks and attachments of its own namespace", () => {
    const { project } = renderGroup({ ...means, group: GROUP, kinds: ["dev"] });
    expect(project.environments).toHaveLength(1);
    expect(project.environments[0]).toMatchObject({
      networks: [{ name: `${GROUP.namespace}_dev`, internal: true, subnet: "10.248.9.0/26" }],
      volumes: [{ name: `${GROUP.namespace}_dev_data_shared` }],
      services: [{ service: "shared", labels: { "slipway.group": "backend" } }],
    });
  });

  test("is joined by members' services under names that are theirs alone, its network made elsewhere", () => {
    const { app, networks } = render({}, {}, { group: GROUP });
    expect(networks.map(({ name }) => name)).not.toContain(`${GROUP.namespace}_dev`);
    expect(app.networks.at(-1)).toEqual({ name: `${GROUP.namespace}_dev`, aliases: ["shop", "app.shop"] });
    expect(app.environment.SHARED_HOST).toBe("shared");
    expect(app.hidden.REDIS_URL).toContainEqual({ credential: `${GROUP.namespace}/dev/shared/password` });
  });

  test("cannot have a name that the project has", () => {
    expect(() =>
      render({ attachments: [{ image: "redis", alias: "shared" }] }, {}, { group: GROUP }),
    ).toThrow(/"shared" is a service or an attachment/);
  });
});
