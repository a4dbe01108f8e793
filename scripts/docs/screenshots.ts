import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { api } from "../../convex/_generated/api.js";
import type { Status } from "../../core/lifecycle.ts";
import { SlipwayError } from "../../core/errors.ts";
import { openSession, type Session } from "../cli/lib/session.ts";
import { waitUntilSettled } from "../cli/lib/settle.ts";
import { createProgress } from "../progress/progress.mjs";
import { ensureChromium } from "../setup/chromium.ts";
import { REPOSITORY } from "../setup/dataDir.ts";

/**
 * `npm run docs:screenshots`: pictures of each page of the dashboard, light and dark, into docs/screenshots/. Takes them
 * of the Slipway that runs here, of projects that it makes for them and removes afterwards.
 */

const WIDTH = 1400;
const HEIGHT = 900;
const SETTLED_WITHIN_MS = 5 * 60_000;
/** Charts and logs are to have something in them. */
const TAB_WITHIN_MS = 20_000;

/** The projects in the pictures, and how far each is taken. */
const DEMO: { name: string; manifest: object; path: Status[] }[] = [
  {
    name: "shop",
    manifest: { name: "shop", stack: "node", env: { LOG_LEVEL: "info" } },
    path: ["planning", "development", "testing", "deployment", "development"],
  },
  { name: "blog", manifest: { name: "blog", stack: "static" }, path: ["planning", "development"] },
  {
    name: "ledger",
    manifest: { name: "ledger", stack: "python" },
    path: ["planning", "development", "paused"],
  },
  { name: "atlas", manifest: { name: "atlas", stack: "react" }, path: ["planning"] },
  {
    name: "crane",
    manifest: { name: "crane", services: { web: { image: "crane-web:3", port: 3000, route: "/" } } },
    path: ["planning", "development"],
  },
];

const PAGES: { name: string; path: string; shows?: string }[] = [
  { name: "board", path: "/" },
  { name: "list", path: "/list" },
  { name: "new", path: "/new" },
  ...[
    "overview",
    "logs",
    "metrics",
    "terminal",
    "plan",
    "releases",
    "events",
    "agents",
    "secrets",
    "code",
    "manifest",
  ].map((tab) => ({ name: `project-${tab}`, path: tab === "overview" ? "/p/shop" : `/p/shop/${tab}` })),
  { name: "failed", path: "/p/crane" },
  { name: "hosts", path: "/hosts" },
  { name: "system", path: "/system" },
];

const progress = createProgress();
const session = await openSession();
const made: string[] = [];
try {
  for (const demo of DEMO) await make(session, demo);
  await takeAll(session, await ensureChromium((line) => progress.note(line)));
} finally {
  for (const slug of made) {
    await session.http.mutation(api.projects.deleteProject, {
      project: slug,
      reason: "the pictures are taken",
    });
  }
  progress.close();
}

async function make({ http }: Session, { name, manifest, path }: (typeof DEMO)[number]): Promise<void> {
  if (await http.query(api.projects.getProject, { project: name })) {
    throw new SlipwayError({
      code: "name_taken",
      message: `There is a project ${name} already, which the pictures need.`,
      hint: "Take them with another data directory: SLIPWAY_DATA=/tmp/pictures npm start, and the same for this.",
    });
  }
  const { slug } = await http.mutation(api.projects.createProject, { name, manifest });
  made.push(slug);
  for (const to of path) {
    await http.mutation(api.projects.updateProjectStatus, { project: slug, to });
    try {
      await waitUntilSettled(session, slug, { timeoutMs: SETTLED_WITHIN_MS, progress, name: slug });
    } catch (error) {
      // One of them is to be seen failing.
      if (name !== "crane") throw error;
    }
    if (to === "testing") await tested(slug);
  }
}

/** Waits for the result of the newest release's tests. */
async function tested(slug: string): Promise<void> {
  await session.subscribed(
    async (client) =>
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`The tests of ${slug} do not end.`)),
          SETTLED_WITHIN_MS,
        );
        client.onUpdate(
          api.releases.get,
          { project: slug },
          (release) => {
            if (release?.state !== "passed" && release?.state !== "failed") return;
            clearTimeout(late);
            resolve();
          },
          reject,
        );
      }),
  );
}

async function takeAll(of: Session, executablePath: string): Promise<void> {
  const folder = join(REPOSITORY, "docs/screenshots");
  await mkdir(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const context = await browser.newContext({
        baseURL: `http://localhost:${of.instance.httpPort}`,
        viewport: { width: WIDTH, height: HEIGHT },
        colorScheme,
        reducedMotion: "reduce",
      });
      const token = await of.token();
      await context.addInitScript((text) => localStorage.setItem("slipway.token", text), token);
      const page = await context.newPage();
      for (const { name, path } of PAGES) {
        await show(page, path);
        await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
      }
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

/** Opens a page and waits until nothing on it says that it is loading. */
async function show(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  if (path.endsWith("/terminal")) {
    await page.locator(".xterm-helper-textarea").focus();
    await page.keyboard.type("ls -la && node --version\n");
  }
  if (path.endsWith("/code")) await page.getByRole("searchbox").fill("server");
  await page
    .waitForFunction(() => document.querySelector('[aria-label="Loading"]') === null, undefined, {
      timeout: TAB_WITHIN_MS,
    })
    .catch(() => progress.note(`${path} is still loading in its picture`));
  if (path.endsWith("/metrics")) {
    await page
      .getByRole("table")
      .first()
      .waitFor({ timeout: TAB_WITHIN_MS })
      .catch(() => progress.note("There are no metrics in their picture"));
  }
  await page.evaluate(
    async () => await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 2000 })),
  );
}
