import fc from "fast-check";
import { dump, load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { parseCompose } from "../compose.ts";
import { renderProject } from "./render.ts";
import { NAMESPACE, projectSpec, STACKS, TEMPLATE } from "./render.fixtures.ts";
import { fillTemplate, yamlValue } from "./template.ts";

const render = (...spec: Parameters<typeof projectSpec>) =>
  renderProject({ spec: projectSpec(...spec), stacks: STACKS, template: TEMPLATE, instanceId: "abcd1234" });

const ALL = [{ kind: "dev" }, { kind: "test" }, { kind: "deploy" }] as const;

describe("a rendered project", () => {
  test("runs the stack's program confined, within the manifest's limits", () => {
    const { project } = render({ environments: { dev: { cpus: 0.5, memory: "512m" } } });
    const [dev] = project.environments;
    expect(dev!.services).toHaveLength(1);
    expect(dev!.services[0]).toMatchObject({
      service: "app",
      image: "slipway/node:20",
      command: ["node", "--watch", "server.js"],
      user: "1000:1000",
      capDrop: ["ALL"],
      securityOptions: ["no-new-privileges:true"],
      readOnly: true,
      init: true,
      memoryBytes: 512 * 1024 ** 2,
      memorySwapBytes: 512 * 1024 ** 2,
      cpus: 0.5,
      pids: 512,
      restart: "unless-stopped",
      logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
      mounts: [{ volume: `${NAMESPACE}_dev_workspace`, target: "/workspace", readOnly: false, noCopy: true }],
      port: 3000,
      route: "/",
      readyPath: "/health",
    });
    expect(dev!.services[0]!.tmpfs["/tmp"]).toContain("noexec,nosuid");
    expect(Object.keys(dev!.services[0]!.tmpfs)).toEqual(["/tmp", "/var/cache/app"]);
    expect(dev!.services[0]!.environment).toMatchObject({
      PORT: "3000",
      SLIPWAY_SERVICE: "app",
      SLIPWAY_BASE_PATH: `/projects/${NAMESPACE}/dev`,
    });
  });

  test("has an internal network, and one to the outside only where egress is open", () => {
    expect(render().project.environments[0]!.networks).toMatchObject([
      { name: `${NAMESPACE}_dev`, internal: true, subnet: "10.248.0.0/26" },
      { name: `${NAMESPACE}_dev_egress`, internal: false, subnet: "10.248.0.64/26" },
    ]);
    expect(render({ egress: "none" }).project.environments[0]!.networks).toMatchObject([
      { name: `${NAMESPACE}_dev`, internal: true },
    ]);
  });

  test("asks nobody for the outside's names where there is no way out", () => {
    expect(render().project.environments[0]!.services[0]!.dns).toEqual([]);
    expect(render({ egress: "none" }).project.environments[0]!.services[0]!.dns).toEqual(["127.0.0.1"]);
  });

  test("gives each of several stacks a folder of its own in the workspace", () => {
    const { project } = render({
      services: { web: { stack: "static", route: "/" }, api: { stack: "node", route: "/api/" } },
    });
    const [dev] = project.environments;
    expect(dev!.volumes[0]!.fill).toEqual([
      { from: "starter", stack: "static", folder: "web" },
      { from: "starter", stack: "node", folder: "api" },
    ]);
    expect(dev!.services.map(({ service, workingDir, route }) => [service, workingDir, route])).toEqual([
      ["web", "/workspace/web", "/"],
      ["api", "/workspace/api", "/api"],
    ]);
  });

  test("begins test and deploy with what dev holds", () => {
    const { project } = render({}, [...ALL]);
    expect(project.environments.map(({ kind, volumes }) => [kind, volumes[0]!.fill[0]])).toEqual([
      ["dev", { from: "starter", stack: "node", folder: "." }],
      ["test", { from: "volume", name: `${NAMESPACE}_dev_workspace` }],
      ["deploy", { from: "volume", name: `${NAMESPACE}_dev_workspace` }],
    ]);
  });

  test("renders only the environments that were asked for", () => {
    const { yaml, project } = renderProject({
      spec: projectSpec({}, [...ALL]),
      stacks: STACKS,
      template: TEMPLATE,
      instanceId: "abcd1234",
      kinds: ["test"],
    });
    expect(project.environments.map(({ kind }) => kind)).toEqual(["test"]);
    expect(yaml).not.toContain("dev-app");
  });

  test("keeps its hash over generations and subnets, and changes it with the configuration", () => {
    const hashOf = (...spec: Parameters<typeof projectSpec>) =>
      render(...spec).project.environments[0]!.services[0]!.configHash;
    const hash = hashOf();
    expect(hashOf({}, [{ generation: 7, subnet: "10.248.9.0/26" }])).toBe(hash);
    expect(hashOf({ env: { LOG_LEVEL: "debug" } })).not.toBe(hash);
    expect(hashOf({ environments: { dev: { memory: "1g" } } })).not.toBe(hash);
  });

  test("of images alone has no volume, and of no environment has nothing", () => {
    const services = { web: { image: "shop:1", port: 8080, route: "/" } };
    expect(render({ services }).project.environments[0]!.volumes).toEqual([]);
    expect(render({}, []).project.environments).toEqual([]);
  });

  test("names the stacks there are when it asks for another", () => {
    expect(() => render({ stack: "cobol" })).toThrow(
      expect.objectContaining({ data: expect.objectContaining({ allowed: ["node", "static"] }) }),
    );
  });
});

describe("a user's value", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom(
      "${HOME}",
      "$$",
      "{{v image}}",
      "{{{image}}}",
      "a: b\n- c",
      "'\"\\",
      "!!js/function x",
      "\u2028\u0085",
    ),
  );

  test("arrives in the container byte for byte, whatever it is", () => {
    fc.assert(
      fc.property(
        nasty.filter((text) => !text.includes("\0")),
        (value) => {
          const { project } = render({
            env: { VALUE: value },
            services: { app: { stack: "node", command: ["x", value] } },
          });
          const [service] = project.environments[0]!.services;
          expect(service!.environment.VALUE).toBe(value);
          expect(service!.command).toEqual(["x", value]);
          expect(project.environments[0]!.services).toHaveLength(1);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("is refused by its path when no container could have it", () => {
    expect(() => render({ env: { VALUE: "a\0b" } })).toThrow(/services\.dev-app\.environment\.VALUE/);
  });

  test("is quoted so that YAML reads it back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(load(`key: ${yamlValue(text)}\n`)).toEqual({ key: text.replaceAll("$", "$$$$") });
      }),
    );
  });
});

describe("the template", () => {
  test.each(["{{image}}", "{{{image}}}", "{{> partial}}", "{{lookup a b}}", "{{#with a}}x{{/with}}"])(
    "may not write with %s",
    (text) => {
      expect(() => fillTemplate(`a: 1\nb: ${text}`, { image: "x" })).toThrow(/line 2/);
    },
  );

  test("may not ask for what there is not", () => {
    expect(() => fillTemplate("a: 1\nb: {{v nothing}}", {})).toThrow(/line 2 asks for a field/);
  });
});

describe("the Compose subset", () => {
  const file = () => load(render().yaml) as { services: Record<string, Record<string, unknown>> };

  test.each([
    ["privileged", true],
    ["cap_add", ["SYS_ADMIN"]],
    ["ports", ["80:80"]],
    ["network_mode", "host"],
    ["devices", ["/dev/sda"]],
  ])("refuses %s by its path", (key, value) => {
    const compose = file();
    compose.services["dev-app"]![key] = value;
    expect(() => parseCompose(dump(compose))).toThrow(
      `services.dev-app.${key}: a key that Slipway does not know`,
    );
  });

  test("refuses a path of the host as a volume", () => {
    const compose = file();
    compose.services["dev-app"]!.volumes = [{ type: "bind", source: "/", target: "/host" }];
    expect(() => parseCompose(dump(compose))).toThrow("services.dev-app.volumes.0.type: expected volume");
  });

  test("refuses a network that the file does not declare, and interpolation", () => {
    const compose = file();
    compose.services["dev-app"]!.networks = { other: {} };
    compose.services["dev-app"]!.image = "${IMAGE}";
    expect(() => parseCompose(dump(compose))).toThrow(/services\.dev-app\.image: expected \$\$/);
    compose.services["dev-app"]!.image = "image";
    expect(() => parseCompose(dump(compose))).toThrow("services.dev-app.networks.other: expected a network");
  });
});
