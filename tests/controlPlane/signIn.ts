import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { makeSignInCode, openToken, sealToken, signInCodeHash } from "../../core/signInLink.ts";
import { ADMIN, agentOf, VIEWER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject } from "./world.ts";

/** Signing in with a link, and what a token says of itself. */
export function signInSuite(it: SuiteTest): void {
  const inFiveMinutes = () => Date.now() + 300_000;
  const offer = async (driver: Driver, expiresAt = inFiveMinutes()) => {
    const code = makeSignInCode();
    const codeHash = signInCodeHash(code);
    const sealed = sealToken(code, "the token");
    await driver.as(ADMIN).mutation(api.signIn.offer, { codeHash, sealed, expiresAt });
    return { code, codeHash, sealed };
  };

  describe("a sign-in link", () => {
    it("gives its token to who has the code, once", async ({ driver }) => {
      const { code, codeHash } = await offer(driver);
      const nobody = driver.as(null);
      const { sealed } = await nobody.mutation(api.signIn.take, { codeHash });
      expect(openToken(code, sealed)).toBe("the token");
      const again = await expectRefused(nobody.mutation(api.signIn.take, { codeHash }), "not_found");
      expect(again.hint).toContain("slipway open");
    });

    it("gives it to one of many that come at once", async ({ driver }) => {
      const { codeHash } = await offer(driver);
      const tries = Array.from({ length: 8 }, () => driver.as(null).mutation(api.signIn.take, { codeHash }));
      const ends = await Promise.allSettled(tries);
      expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    it("answers a wrong code as it answers a used one", async ({ driver }) => {
      const { code, codeHash } = await offer(driver);
      const nobody = driver.as(null);
      await nobody.mutation(api.signIn.take, { codeHash });
      const used = await expectRefused(nobody.mutation(api.signIn.take, { codeHash }), "not_found");
      // The code itself, which only its name is to be sent of, is as wrong as any other.
      for (const wrong of [code, signInCodeHash(makeSignInCode()), "", "x".repeat(10_000)]) {
        const call = nobody.mutation(api.signIn.take, { codeHash: wrong });
        expect(await expectRefused(call, "not_found")).toEqual(used);
      }
    });

    it("is made by admins, for no longer than it may be", async ({ driver }) => {
      const code = makeSignInCode();
      const offered = { codeHash: signInCodeHash(code), sealed: sealToken(code, "t") };
      const make = (more: object, caller = driver.as(ADMIN)) =>
        caller.mutation(api.signIn.offer, { ...offered, expiresAt: inFiveMinutes(), ...more });
      await expectRefused(make({}, driver.as(VIEWER)), "forbidden");
      await expectRefused(make({ expiresAt: Date.now() - 1 }), "bad_request");
      await expectRefused(make({ expiresAt: Date.now() + 3_600_000 }), "bad_request");
      await expectRefused(make({ codeHash: "short" }), "bad_request");
      await expectRefused(make({ sealed: "no hex" }), "bad_request");
      await make({});
      await expectRefused(make({}), "bad_request");
    });
  });

  describe("whoAmI", () => {
    it("says what a token is and may", async ({ driver }) => {
      const { projectId, slug, namespace } = await createProject(driver, "shop");
      const expiresAt = inFiveMinutes();
      await driver.as(ADMIN).mutation(api.tokens.registerToken, {
        tokenId: "token-of-vera-1",
        role: "viewer",
        subject: "vera",
        expiresAt,
      });
      const viewer = driver.as({ ...VIEWER, tokenId: "token-of-vera-1" });
      expect(await viewer.query(api.tokens.whoAmI, {})).toEqual({
        ...{ role: "viewer", subject: "vera", tokenId: "token-of-vera-1" },
        ...{ project: null, verbs: [], expiresAt },
      });
      const agent = driver.as({ ...agentOf(namespace, "read", "logs"), tokenId: "token-of-robin-1" });
      expect(await agent.query(api.tokens.whoAmI, {})).toEqual({
        ...{ role: "agent", subject: "robin", tokenId: "token-of-robin-1" },
        ...{ project: { slug, namespace, projectId }, verbs: ["read", "logs"], expiresAt: null },
      });
    });

    it("is null without a token, with a revoked one, and with one of a project that is gone", async ({
      driver,
    }) => {
      const { projectId } = await createProject(driver, "shop");
      expect(await driver.as(null).query(api.tokens.whoAmI, {})).toBeNull();
      const viewer = driver.as({ ...VIEWER, tokenId: "token-of-vera-2" });
      expect(await viewer.query(api.tokens.whoAmI, {})).not.toBeNull();
      await driver.as(ADMIN).mutation(api.tokens.revokeToken, { tokenId: "token-of-vera-2" });
      expect(await viewer.query(api.tokens.whoAmI, {})).toBeNull();
      const agent = driver.as(agentOf(projectId, "read"));
      expect(await agent.query(api.tokens.whoAmI, {})).not.toBeNull();
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "shop" });
      expect(await agent.query(api.tokens.whoAmI, {})).toBeNull();
    });
  });
}
