import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { longTest } from "../long.ts";
import type { TestInstance } from "./instance.ts";

const MANIFEST = `stack: static
gateway:
  rateLimit: { client: { perSecond: 100000, burst: 100000 }, project: { perSecond: 100000, burst: 100000 } }
environments:
  deploy: { replicas: 2, rollout: { watch: 1s } }
`;

type Deploy = { release: number; state: string; receipt: { during: { failed: number } } | null };

/** A release to its users and back, by the commands alone: CLI, control plane, worker and gateway in one go. */
export function deployingSuite(instance: () => TestInstance): void {
  describe("deploying", () => {
    const name = "florist";
    let url: string;

    const get = () => fetch(url, { signal: AbortSignal.timeout(10_000) });

    /** Puts a page that says `version` into dev, and has it tested as a release. */
    async function release(version: string): Promise<void> {
      const slipway = instance();
      const page = join(slipway.dataDir, "version.html");
      await writeFile(page, `<!doctype html><title>${version}</title>`);
      await slipway.must("files", "put", name, page, "public/version.html");
      await rm(page);
      // It ends with 1 where the tests fail.
      await slipway.must("test", name);
    }

    test("the first tested release serves", async () => {
      const slipway = instance();
      const file = join(slipway.dataDir, "florist.yml");
      await writeFile(file, MANIFEST);
      await slipway.must("project", "create", name, "--file", file);
      await rm(file);
      await slipway.must("transition", name, "planning");
      await slipway.must("transition", name, "development", "--wait");
      await release("first");
      await slipway.must("transition", name, "deployment", "--wait");
      const { httpPort } = await slipway.instance();
      const { namespace } = await slipway.json<{ namespace: string }>("project", "show", name);
      url = `http://localhost:${httpPort}/projects/${namespace}/deploy/version.html`;
      const answer = await get();
      expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("first")]);
    });

    // In every run of the tests a real worker switches and goes back under load (tests/deploys/switches.test.ts).
    longTest("the next one takes over and is taken back, and its users notice nothing", async () => {
      const slipway = instance();
      await slipway.must("transition", name, "development", "--wait");
      await release("second");
      const seen: string[] = [];
      let going = true;
      const users = Array.from({ length: 4 }, async () => {
        while (going) {
          const answer = await get().catch((error: unknown) => ({
            status: 0,
            text: async () => String(error),
          }));
          const text = await answer.text();
          seen.push(
            answer.status === 200 ? /<title>(.*)<\/title>/.exec(text)![1]! : `${answer.status} ${text}`,
          );
        }
      });
      await slipway.must("deploy", name, "--wait");
      expect(await (await get()).text()).toContain("second");
      await slipway.must("rollback", name, "--wait");
      expect(await (await get()).text()).toContain("first");
      going = false;
      await Promise.all(users);
      expect([...new Set(seen)].sort()).toEqual(["first", "second"]);

      const deploys = await slipway.json<Deploy[]>("deploys", name);
      expect(deploys.map(({ release, state }) => [release, state])).toEqual([
        [1, "live"],
        [2, "live"],
        [1, "live"],
      ]);
      expect(deploys.map(({ receipt }) => receipt?.during.failed ?? 0)).toEqual([0, 0, 0]);
      await slipway.must("project", "delete", name, "--yes", "--wait");
    });
  });
}
