import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentProgress } from "../progress/progress.mjs";
import { REPOSITORY } from "../setup/dataDir.ts";
import { ensureDashboard, hasDashboard } from "./build.ts";
import { sourcesHash } from "./sources.ts";

/** The real build tool, with the smallest page that can be built. */

const BUILD_MS = 120_000;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sw-build-"));
  await put("package-lock.json", "{}");
  await put("core/word.ts", `export const word = ${JSON.stringify("one ".repeat(1000))};`);
  await put("convex/_generated/api.js", "");
  await put("dashboard/index.html", `<script type="module" src="/main.ts"></script>`);
  await put("dashboard/main.ts", `import { word } from "../core/word.ts"; document.title = word;`);
  await put(
    "dashboard/vite.config.ts",
    `export default { root: import.meta.dirname, build: { outDir: process.env.SLIPWAY_DASHBOARD_OUT } };`,
  );
  await symlink(join(REPOSITORY, "node_modules"), join(root, "node_modules"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

const ensure = () => ensureDashboard({ root, progress: silentProgress });
const script = async (ending: string) => {
  const names = await readdir(join(root, "dashboard/dist/assets"));
  return await readFile(
    join(
      root,
      "dashboard/dist/assets",
      names.find((name) => name.endsWith(ending))!,
    ),
  );
};

test(
  "the dashboard is built when its sources have changed, once, and whole",
  async () => {
    expect(await hasDashboard(root)).toBe(false);
    expect((await Promise.all([ensure(), ensure()])).sort()).toEqual([false, true]);
    expect(await hasDashboard(root)).toBe(true);
    expect((await script(".js")).toString()).toContain("one one");
    expect(gunzipSync(await script(".js.gz"))).toEqual(await script(".js"));
    expect(await ensure()).toBe(false);

    await put("core/word.ts", `export const word = "two";`);
    await mkdir(join(root, "dashboard/dist.next-1"));
    expect(await ensure()).toBe(true);
    expect((await script(".js")).toString()).toContain("two");

    await put("dashboard/main.ts", `import "./missing.ts";`);
    await expect(ensure()).rejects.toMatchObject({
      reason: "dashboard-failed",
      message: expect.stringContaining("missing.ts"),
      fix: expect.stringContaining("npm run dashboard:build"),
    });
    expect((await script(".js")).toString()).toContain("two");
    expect(await hasDashboard(root)).toBe(true);
    expect((await readdir(join(root, "dashboard"))).filter((name) => name.startsWith("dist"))).toEqual([
      "dist",
    ]);
  },
  BUILD_MS,
);

test("what it is made of tells whether it is to be built; tests, texts and builds do not", async () => {
  const first = await sourcesHash(root);
  for (const path of [
    "dashboard/dist/index.html",
    "dashboard/a.test.tsx",
    "core/b.test.ts",
    "dashboard/README.md",
  ]) {
    await put(path, "more");
    expect([path, await sourcesHash(root)]).toEqual([path, first]);
  }
  const seen = new Set([first]);
  for (const path of [
    "dashboard/src/page.tsx",
    "core/c.ts",
    "convex/_generated/api.js",
    "package-lock.json",
  ]) {
    await put(path, "more");
    seen.add(await sourcesHash(root));
  }
  expect(seen.size).toBe(5);
});
