import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { chunkText, CODE_LIMITS } from "../../core/codeChunks.ts";
import { ADMIN, agentOf, WORKER, type Driver } from "./driver.ts";
import { expectRefused } from "./expectRefused.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, registerHost, type HostLease } from "./world.ts";

/** Each project's source, searched in a namespace of its own. */
export function searchSuite(it: SuiteTest): void {
  const paginationOpts = { numItems: 100, cursor: null };

  async function runningProject(driver: Driver, name: string): Promise<string> {
    const { projectId } = await createProject(driver, name);
    await move(driver, name, "planning", "development");
    return projectId;
  }

  async function index(
    driver: Driver,
    { hostId, epoch }: HostLease,
    projectId: string,
    files: Record<string, string>,
  ): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = { hostId, epoch, projectId, path, hash: text, chunks: chunkText(text) };
      await driver.as(WORKER).mutation(api.worker.indexCode, file);
    }
  }

  const search = async (driver: Driver, project: string, query: string) =>
    (await driver.as(ADMIN).query(api.search.code, { project, query })).map((hit) => hit.path);

  describe("search:code", () => {
    it("finds what the worker indexed, in that project alone", async ({ driver }) => {
      const host = await registerHost(driver);
      const shop = await runningProject(driver, "shop");
      const blog = await runningProject(driver, "blog");
      await index(driver, host, shop, {
        "cart.ts": "export function addToCart() {}",
        "pay.ts": "export function charge(card) {}",
      });
      await index(driver, host, blog, { "post.ts": "export function addToCart() {}" });
      expect(await search(driver, "shop", "addToCart")).toEqual(["cart.ts"]);
      expect(await search(driver, "blog", "charge")).toEqual([]);
      expect(await search(driver, "shop", "  ")).toEqual([]);
      const agent = driver.as(agentOf(blog, "read"));
      await expectRefused(agent.query(api.search.code, { project: "shop", query: "charge" }), "not_found");
    });

    it("follows the source: changed files are replaced, gone ones forgotten", async ({ driver }) => {
      const host = await registerHost(driver);
      const projectId = await runningProject(driver, "shop");
      await index(driver, host, projectId, { "cart.ts": "apple", "pay.ts": "banana" });
      await index(driver, host, projectId, { "cart.ts": "cherry" });
      const files = await driver
        .as(WORKER)
        .query(api.worker.codeFiles, { hostId: host.hostId, projectId, paginationOpts });
      expect(files.page).toEqual([
        { path: "cart.ts", hash: "cherry" },
        { path: "pay.ts", hash: "banana" },
      ]);
      expect(await search(driver, "shop", "apple")).toEqual([]);
      expect(await search(driver, "shop", "cherry")).toEqual(["cart.ts"]);
      const gone = { hostId: host.hostId, epoch: host.epoch, projectId, paths: ["pay.ts", "never.ts"] };
      await driver.as(WORKER).mutation(api.worker.forgetCode, gone);
      expect(await search(driver, "shop", "banana")).toEqual([]);
    });

    it("takes no more than its limits", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const projectId = await runningProject(driver, "shop");
      const chunk = { startLine: 1, endLine: 1, text: "x" };
      const long = { ...chunk, text: "x".repeat(CODE_LIMITS.chunkLength + 1) };
      const many = Array.from({ length: CODE_LIMITS.chunksOfFile + 1 }, () => chunk);
      for (const chunks of [[long], many]) {
        const file = { hostId, epoch, projectId, path: "a", hash: "h", chunks };
        await expectRefused(driver.as(WORKER).mutation(api.worker.indexCode, file), "bad_request");
      }
    });

    it("by meaning says what is missing where no endpoint is configured", async ({ driver }) => {
      await createProject(driver, "shop");
      const call = driver.as(ADMIN).action(api.search.byMeaning, { project: "shop", query: "checkout" });
      expect((await expectRefused(call, "setup")).hint).toContain("SLIPWAY_EMBEDDINGS_URL");
    });
  });
}
