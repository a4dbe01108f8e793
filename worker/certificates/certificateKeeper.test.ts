import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import { acmeFolder, AcmeStore } from "./acmeStore.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import type { KeeperOptions } from "./certificateKeeper.ts";
import { DAY_MS, DIRECTORY, KeeperWorld, LONGEST, MINUTE_MS, project } from "./keeper.fixtures.ts";

/** What keeps the gateway in certificates, through everything that can go wrong around it. */

let world: KeeperWorld;
beforeEach(async () => {
  world = await KeeperWorld.open();
});
afterEach(async () => {
  await world.close();
});

describe("one project's trouble", () => {
  test("with a name of 253 characters is none, while it is there and when it goes", async () => {
    expect(LONGEST).toHaveLength(253);
    await world.start();
    world.keeper.follow(project("long", [LONGEST]));
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.from(LONGEST)).toBe("acme");
    expect(world.door.from("shop.example.com")).toBe("acme");
    world.keeper.forget("id of long");
    world.keeper.follow(project("blog", ["blog.example.com"]));
    await world.pass();
    expect(world.door.has.has(LONGEST)).toBe(false);
    expect(world.door.from("blog.example.com")).toBe("acme");
    expect(await readdir(acmeFolder(world.dataDir))).toHaveLength(2);
  });

  test.each<[string, () => Promise<ProjectSpec>]>([
    [
      "whose state cannot be read",
      async () => {
        await mkdir(join(acmeFolder(world.dataDir), "bad.example.com.certificate.json"), { recursive: true });
        return project("bad", ["bad.example.com"]);
      },
    ],
    [
      "whose state is an empty file",
      async () => {
        await mkdir(acmeFolder(world.dataDir), { recursive: true });
        await writeFile(join(acmeFolder(world.dataDir), "bad.example.com.certificate.json"), "");
        return project("bad", ["bad.example.com"]);
      },
    ],
    [
      "whose certificate, as it was set, is none",
      async () => project("bad", ["bad.example.com"], { "bad.example.com": { chain: "no", key: "no" } }),
    ],
    [
      "whose certificate the gateway fails at",
      async () => {
        world.door.fault = (_call, id) => {
          if (id === "bad.example.com") throw new GatewayError("broken", "The gateway answered 500.");
        };
        return project("bad", ["bad.example.com"]);
      },
    ],
  ])("%s keeps nobody else from certificates and renewals", async (_what, bad) => {
    await world.start();
    world.keeper.follow(await bad());
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.from("shop.example.com")).toBe("acme");
    expect(world.door.from("project-shop")).toBe("local");
    expect(world.logged.some((line) => line.includes("bad.example.com"))).toBe(true);
    expect(world.logged.join("\n")).not.toContain("PRIVATE KEY");
    world.keeper.forget("id of bad");
    world.keeper.follow(project("blog", ["blog.example.com"]));
    await world.pass(10 * MINUTE_MS);
    expect(world.door.from("blog.example.com")).toBe("acme");
  });

  test("is said when it begins, not at each look", async () => {
    await world.start();
    const path = join(acmeFolder(world.dataDir), "bad.example.com.certificate.json");
    await mkdir(path, { recursive: true });
    world.keeper.follow(project("bad", ["bad.example.com"]));
    for (let looks = 0; looks < 20; looks += 1) {
      world.keeper.look();
      await world.pass();
    }
    expect(world.logged.filter((line) => line.startsWith('["certificate-failed"'))).toHaveLength(1);
    await rm(path, { recursive: true });
    world.keeper.look();
    await world.pass();
    expect(world.door.from("bad.example.com")).toBe("acme");
  });

  test("does not stay: a gateway that was away gets everything once it is back", async () => {
    await world.start();
    world.door.fault = () => {
      throw new GatewayError("unreachable", "Nobody listens.");
    };
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.has.size).toBe(0);
    world.door.fault = () => undefined;
    await world.pass(5_000);
    expect(world.door.from("shop.example.com")).toBe("acme");
  });
});

describe("what belongs to no project any more", () => {
  const lost = ["lost.example.com", LONGEST, "project-lost"];

  async function leaveBehind(): Promise<void> {
    await world.start();
    world.keeper.follow(project("lost", ["lost.example.com", LONGEST]));
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    for (const id of [...lost, "shop.example.com"]) expect(world.door.has.has(id)).toBe(true);
  }

  test("goes from both places, once all that does belong to one is known", async () => {
    await leaveBehind();
    await world.start({ acme: null });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.has.has("lost.example.com")).toBe(true);
    world.keeper.hosted(["id of shop", "id of blog"]);
    await world.pass(10 * MINUTE_MS);
    expect(world.door.has.has("lost.example.com")).toBe(true);
    world.keeper.follow(project("blog", ["blog.example.com"]));
    await world.pass();
    expect([...world.door.has.keys()].sort()).toEqual([
      ...["base", "blog.example.com", "project-blog", "project-shop", "shop.example.com"],
    ]);
    expect(await new AcmeStore(acmeFolder(world.dataDir)).domains()).toEqual(["shop.example.com"]);
    expect(JSON.stringify(await readdir(acmeFolder(world.dataDir)))).not.toContain("sha256");
  });

  test("goes later where the gateway is away, and stays in nobody's way", async () => {
    await leaveBehind();
    await world.start();
    world.door.fault = (call) => {
      if (call === "remove") throw new GatewayError("busy", "Another push holds the table.");
    };
    world.keeper.follow(project("shop", ["shop.example.com"]));
    world.keeper.follow(project("blog", ["blog.example.com"]));
    world.keeper.hosted(["id of shop", "id of blog"]);
    await world.pass();
    expect(world.door.from("blog.example.com")).toBe("acme");
    world.door.fault = () => undefined;
    await world.pass(10 * MINUTE_MS);
    for (const id of lost) expect(world.door.has.has(id)).toBe(false);
  });

  test("goes however much of it the gateway keeps failing at", async () => {
    await world.start({ acme: null });
    const slugs = Array.from({ length: 60 }, (_, number) => `lost${number}`);
    for (const slug of slugs) world.keeper.follow(project(slug, []));
    await world.pass();
    expect(world.door.has.size).toBe(61);
    world.door.fault = (call, id) => {
      const isStuck = Number(id.slice("project-lost".length)) < 50;
      if (call === "remove" && isStuck) throw new GatewayError("broken", "The gateway answered 500.");
    };
    await world.start({ acme: null });
    world.keeper.hosted([]);
    for (let looks = 0; looks < 3; looks += 1) await world.pass(10 * MINUTE_MS);
    expect(world.door.has.size).toBe(51);
  });
});

describe("a certificate that somebody set", () => {
  test("serves to its end; then the domain gets one as any other does", async () => {
    await world.start();
    const domains = ["shop.example.com", "shop.internal"];
    const certificates = {
      "shop.example.com": await world.given("shop.example.com", 20),
      "shop.internal": await world.given("shop.internal", 20),
    };
    world.keeper.follow(project("shop", domains, certificates));
    await world.pass();
    expect(domains.map((domain) => world.door.from(domain))).toEqual(["file", "file"]);
    expect(world.states("shop.example.com").map(({ given }) => given.state)).toEqual(["good"]);
    await world.pass(7 * DAY_MS);
    expect(domains.map((domain) => world.door.from(domain))).toEqual(["file", "file"]);
    expect(world.states("shop.example.com").at(-1)?.given).toMatchObject({
      state: "ending",
      message: expect.stringContaining("2026-06-21"),
    });
    expect(world.ordered).toEqual([]);
    await world.pass(14 * DAY_MS);
    expect(domains.map((domain) => world.door.from(domain))).toEqual(["acme", "local"]);
    const after = world.states("shop.example.com").map(({ given, acme }) => `${given.state} ${acme.state}`);
    expect(after).toEqual(["good none", "ending none", "ended none", "ended issued"]);
    world.keeper.follow(
      project("shop", domains, { "shop.example.com": await world.given("shop.example.com", 80) }),
    );
    await world.pass();
    expect(world.door.from("shop.example.com")).toBe("file");
    expect(world.states("shop.example.com").at(-1)).toMatchObject({ given: { state: "good" } });
  });

  test.each<[string, () => Promise<CertificatePair>, string]>([
    [
      "the key of another one",
      async () => ({
        ...(await world.given("shop.example.com", 80)),
        key: (await world.given("shop.example.com", 80)).key,
      }),
      "The key is not that of the first certificate.",
    ],
    [
      "another domain's name",
      () => world.given("blog.example.com", 80),
      "The certificate is for blog.example.com, not for shop.example.com.",
    ],
    [
      "no certificate in it",
      async () => ({ ...(await world.given("shop.example.com", 80)), chain: "none" }),
      "There is no certificate in the chain.",
    ],
  ])("with %s counts as none, and it is said why", async (_what, pair, why) => {
    await world.start();
    world.keeper.follow(project("shop", ["shop.example.com"], { "shop.example.com": await pair() }));
    await world.pass();
    expect(world.door.from("shop.example.com")).toBe("acme");
    expect(world.states("shop.example.com").at(-1)?.given).toEqual({
      state: "unusable",
      message: `The certificate that was set for shop.example.com counts as none: ${why} Set another one.`,
    });
    expect(world.logged.filter((line) => line.startsWith('["certificate-unusable"'))).toHaveLength(1);
    expect(world.logged.join("\n")).not.toContain("PRIVATE KEY");
  });

  test("for the base domain makes room for the local CA's when it has ended", async () => {
    await world.start();
    const pair = await world.given("*.localhost", 20);
    await mkdir(join(world.dataDir, "certificates"), { recursive: true });
    await writeFile(join(world.dataDir, "certificates", "base.pem"), pair.key + pair.chain);
    world.keeper.follow(project("shop", []));
    world.keeper.hosted(["id of shop"]);
    await world.pass();
    expect(world.door.from("base")).toBe("file");
    expect(world.door.has.has("project-shop")).toBe(false);
    await world.pass(21 * DAY_MS);
    expect(world.door.from("base")).toBe("local");
    expect(world.door.from("project-shop")).toBe("local");
    expect(world.logged.some((line) => line.includes("*.localhost") && line.includes("ended"))).toBe(true);
  });

  test("for the base domain, once it is set, takes the place of what the local CA signed", async () => {
    await world.start();
    world.keeper.follow(project("shop", []));
    await world.pass();
    expect(world.door.from("project-shop")).toBe("local");
    const pair = await world.given("*.localhost", 80);
    await writeFile(join(world.dataDir, "certificates", "base.pem"), pair.key + pair.chain);
    world.keeper.hosted(["id of shop"]);
    world.keeper.look();
    await world.pass();
    expect(world.door.from("base")).toBe("file");
    expect(world.door.has.has("project-shop")).toBe(false);
  });
});

describe("the control plane", () => {
  test("is told of each kind of failure once, and when the certificate is there", async () => {
    let fate: Error | null = new Error("DNS problem: NXDOMAIN for shop.example.com");
    const issue = async (domain: string) => {
      world.ordered.push(domain);
      if (fate) throw fate;
      return await world.issue(domain);
    };
    await world.start({ acme: { directory: DIRECTORY, issue } });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    for (let hours = 0; hours < 24; hours += 1) await world.pass(60 * MINUTE_MS);
    expect(world.ordered.length).toBeGreaterThan(3);
    const failed = world.states("shop.example.com").filter(({ acme }) => acme.state === "failed");
    expect(failed).toHaveLength(1);
    expect(failed[0]!.acme.message).toContain("NXDOMAIN");
    expect(world.told.every(({ projectId }) => projectId === "id of shop")).toBe(true);
    fate = null;
    await world.pass(25 * 60 * MINUTE_MS);
    expect(world.states("shop.example.com").at(-1)).toMatchObject({ acme: { state: "issued" } });
  });

  test("that is away is told later, and keeps nothing waiting", async () => {
    let isAway = true;
    const reports: KeeperOptions["reports"] = {
      reportCertificates: async (projectId, states) => {
        if (isAway) throw new Error("The control plane did not answer.");
        world.told.push({ projectId, states });
      },
    };
    await world.start({ reports });
    world.keeper.follow(project("shop", ["shop.example.com"]));
    await world.pass();
    expect(world.door.from("shop.example.com")).toBe("acme");
    isAway = false;
    await world.pass(10 * MINUTE_MS);
    expect(world.states("shop.example.com").at(-1)).toMatchObject({ acme: { state: "issued" } });
  });
});
