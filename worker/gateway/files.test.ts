import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatewayPaths, type GatewayConfig } from "./config.ts";
import { installConfiguration, prepareState, removeOtherConfigurations } from "./files.ts";
import { GatewaySource } from "./gatewaySource.ts";

const source = new GatewaySource();
let config: GatewayConfig;

beforeEach(async () => {
  config = { instanceId: "abcd2345", dataDir: await mkdtemp(join(tmpdir(), "slipway-files-")) };
});
afterEach(async () => {
  await rm(config.dataDir, { recursive: true, force: true });
});

describe("the gateway's files", () => {
  test("are a whole copy, readable by another user, made once", async () => {
    const first = await installConfiguration(config, await source.files());
    expect(await readdir(first.directory)).toEqual(
      expect.arrayContaining([
        "nginx.conf",
        "proxy.conf",
        "body-class.conf",
        "page.conf",
        "start.sh",
        "health.sh",
        "lua",
        "settings.json",
      ]),
    );
    expect((await stat(join(first.directory, "lua", "slipway", "front.lua"))).mode & 0o004).toBe(0o004);
    expect(await installConfiguration(config, await source.files())).toEqual(first);
  });

  test("differ in place and hash where a setting differs, and old ones go", async () => {
    const first = await installConfiguration(config, await source.files());
    const second = await installConfiguration(
      {
        ...config,
        baseDomain: "Dev.Example.com",
        hosts: ["Box.example.com"],
      },
      await source.files(),
    );
    expect(second.hash).not.toBe(first.hash);
    expect(JSON.parse(await readFile(join(second.directory, "settings.json"), "utf8"))).toMatchObject({
      baseDomain: "dev.example.com",
      hosts: ["dev.example.com", "localhost", "127.0.0.1", "[::1]", "box.example.com"],
    });
    await removeOtherConfigurations(config, second.hash);
    expect(await readdir(gatewayPaths(config.dataDir).configs)).toEqual([second.hash]);
  });

  test("are those that were there when they were asked for first, as long as the same worker asks", async () => {
    const repository = join(config.dataDir, "nginx");
    await cp(new URL("../../docker/nginx/", import.meta.url), repository, { recursive: true });
    const worker = new GatewaySource(repository);
    const first = await installConfiguration(config, await worker.files());
    await writeFile(join(repository, "lua", "slipway", "front.lua"), "-- a later version of it");
    expect(await installConfiguration(config, await worker.files())).toEqual(first);
    const next = await installConfiguration(config, await new GatewaySource(repository).files());
    expect(next.hash).not.toBe(first.hash);
    expect(await readFile(join(next.directory, "lua", "slipway", "front.lua"), "utf8")).toContain("later");
  });

  test("keep the door where nobody else can enter, also where it was open before", async () => {
    await prepareState(config);
    await prepareState(config);
    const { state, door } = gatewayPaths(config.dataDir);
    for (const directory of [state, door]) expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });
});
