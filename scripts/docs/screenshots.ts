import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { api } from "../../convex/_generated/api.js";
import type { Status } from "../../core/lifecycle.ts";
import { SlipwayError } from "../../core/errors.ts";
import { openSession, type Session } from "../cli/lib/session.ts";
import { waitUntilSettled } from "../cli/lib/settle.ts";
import { environmentUrl } from "../cli/lib/urls.ts";
import { createProgress } from "../progress/progress.mjs";
import { ensureChromium } from "../setup/chromium.ts";
import { REPOSITORY } from "../setup/dataDir.ts";

/**
 * `npm run docs:screenshots`: pictures of each page of the dashboard, light and dark, into docs/screenshots/. Takes them
 * of the Slipway that runs here, of projects that it makes for them and removes afterwards.
 * `-- --only board,hosts` takes some of them, `--keep` leaves the projects for the next time, `--format png` and
 * `--folder <folder>` are for looking at them elsewhere.
 */

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    keep: { type: "boolean", default: false },
    format: { type: "string", default: "webp" },
    folder: { type: "string", default: join(REPOSITORY, "docs/screenshots") },
  },
});
const FORMAT = options.format === "png" ? "png" : "webp";
/** Of WebP: letters stay sharp. */
const QUALITY = 80;

const WIDE = { width: 1400, height: 875 };
const PHONE = { width: 390, height: 844 };
const SETTLED_WITHIN_MS = 5 * 60_000;
/** Charts and logs are to have something in them. */
const TAB_WITHIN_MS = 30_000;
/** The charts are to show more than a moment. */
const POINTS = 12;
const MEASURED_WITHIN_MS = 4 * 60_000;
const VISIT_EVERY_MS = 250;
const CHECKED_WITHIN_MS = 100_000;

type Demo = { name: string; manifest: object; path: Status[]; isBroken?: boolean };

/** The projects in the pictures, and how far each is taken. */
const DEMO: Demo[] = [
  {
    name: "shop",
    manifest: {
      name: "shop",
      stack: "node",
      env: { LOG_LEVEL: "info" },
      environments: { deploy: { replicas: 2 } },
    },
    path: [
      "planning",
      "development",
      "testing",
      "deployment",
      "development",
      "testing",
      "deployment",
      "development",
    ],
  },
  {
    name: "blog",
    manifest: { name: "blog", stack: "static" },
    path: ["planning", "development", "testing", "deployment"],
  },
  {
    name: "ledger",
    manifest: { name: "ledger", stack: "python" },
    path: ["planning", "development", "paused"],
  },
  { name: "atlas", manifest: { name: "atlas", stack: "react" }, path: ["planning"] },
  { name: "beacon", manifest: { name: "beacon", stack: "node" }, path: [] },
  {
    name: "crane",
    manifest: {
      name: "crane",
      services: { web: { image: "localhost:5000/crane-web:3", port: 3000, route: "/" } },
    },
    path: ["planning", "development"],
    isBroken: true,
  },
];

type Picture = {
  name: string;
  path: string;
  /** What is to be seen before it is taken, and what a person does before. */
  show?: (page: Page) => Promise<unknown>;
};

const PAGES: Picture[] = [
  { name: "board", path: "/", show: (page) => page.locator('[data-project="shop"]').waitFor() },
  { name: "list", path: "/list", show: (page) => page.locator('[data-project="shop"]').waitFor() },
  { name: "new", path: "/new", show: (page) => page.getByLabel("Name").fill("Harbour") },
  {
    name: "new-manifest",
    path: "/new",
    show: async (page) => {
      await page.getByText("From a manifest").click();
      await page.getByText("This manifest can be used").waitFor();
    },
  },
  { name: "project-overview", path: "/p/shop" },
  {
    name: "project-environments",
    path: "/p/shop",
    show: showEnvironments,
  },
  {
    name: "project-logs",
    path: "/p/shop/logs?environment=deploy",
    show: (page) => page.getByRole("log").waitFor(),
  },
  {
    name: "project-terminal",
    path: "/p/shop/terminal?environment=dev",
    show: async (page) => {
      await page.getByText("Connected with").waitFor();
      await page.locator(".xterm-rows", { hasText: "$" }).waitFor();
      await page.keyboard.type("ls && node --version\n");
      await page.locator(".xterm-rows", { hasText: /v\d+\.\d+\.\d+/ }).waitFor();
    },
  },
  { name: "project-plan", path: "/p/shop/plan", show: (page) => page.getByText(/nothing to do/i).waitFor() },
  {
    name: "project-releases",
    path: "/p/shop/releases",
    show: (page) => page.getByText("serves", { exact: true }).waitFor(),
  },
  { name: "project-events", path: "/p/shop/events" },
  { name: "project-agents", path: "/p/shop/agents" },
  { name: "project-secrets", path: "/p/shop/secrets" },
  {
    name: "project-code",
    path: "/p/shop/code",
    show: async (page) => {
      await page.getByLabel("Search the code").fill("server");
      await page.locator("[data-result]").first().waitFor();
    },
  },
  { name: "project-manifest", path: "/p/shop/manifest" },
  {
    name: "failed",
    path: "/p/crane",
    show: showEnvironments,
  },
  { name: "hosts", path: "/hosts" },
  {
    name: "system",
    path: "/system",
    show: async (page) => {
      await page.getByRole("button", { name: /^Check .* now$/ }).click();
      await page.getByText(/ is checked$/).waitFor({ timeout: CHECKED_WITHIN_MS });
      await page.getByRole("button", { name: "Close" }).click();
    },
  },
  // Last: by now there is something to see in it.
  { name: "project-metrics", path: "/p/shop/metrics?environment=deploy" },
];

async function showEnvironments(page: Page): Promise<void> {
  await page.getByRole("heading", { name: "Environments" }).evaluate((heading) => heading.scrollIntoView());
}

const ON_A_PHONE: Picture[] = PAGES.filter(({ name }) => ["board", "project-overview"].includes(name)).map(
  (picture) => ({ ...picture, name: `phone-${picture.name}` }),
);

const only = options.only?.split(",");
const wanted = (pictures: Picture[]) => pictures.filter(({ name }) => !only || only.includes(name));

const progress = createProgress();
const session = await openSession();
const made: string[] = [];
try {
  for (const demo of DEMO) await make(session, demo);
  await takeAll(session, await ensureChromium((line) => progress.note(line)));
} finally {
  for (const slug of options.keep ? [] : made) {
    await session.http.mutation(api.projects.deleteProject, {
      project: slug,
      reason: "the pictures are taken",
    });
  }
  progress.close();
}

async function make({ http }: Session, { name, manifest, path, isBroken }: Demo): Promise<void> {
  if (await http.query(api.projects.getProject, { project: name })) {
    if (options.keep) return;
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
      if (!isBroken) throw error;
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
  await mkdir(options.folder, { recursive: true });
  const token = await of.token();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const visits = new AbortController();
  const visiting = visit(of, visits.signal);
  try {
    const measured = wanted(PAGES).some(({ name }) => name === "project-metrics")
      ? hasPoints(await watch(await contextOf(browser, of, token, {})))
      : undefined;
    for (const colorScheme of ["light", "dark"] as const) {
      for (const [viewport, pictures] of [
        [WIDE, wanted(PAGES)],
        [PHONE, wanted(ON_A_PHONE)],
      ] as const) {
        const context = await contextOf(browser, of, token, { colorScheme, viewport });
        const page = await context.newPage();
        for (const picture of pictures) {
          if (picture.name === "project-metrics") await measured;
          await show(page, picture);
          await take(page, `${picture.name}-${colorScheme}`);
        }
        await context.close();
      }
    }
  } finally {
    visits.abort();
    await visiting;
    await browser.close();
  }
}

async function contextOf(
  browser: Browser,
  of: Session,
  token: string,
  look: Parameters<Browser["newContext"]>[0],
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: `http://localhost:${of.instance.httpPort}`,
    reducedMotion: "reduce",
    ...look,
  });
  await context.addInitScript((text) => localStorage.setItem("slipway.token", text), token);
  return context;
}

/** Looks at what shop uses, so that its worker measures it every few seconds. */
async function watch(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto("/p/shop/metrics?environment=deploy");
  return page;
}

/** Visits shop as its users would: what stands still makes no picture. */
async function visit({ http, instance }: Session, signal: AbortSignal): Promise<void> {
  const shop = await http.query(api.projects.getProject, { project: "shop" });
  const url = environmentUrl(instance, shop!.namespace, "deploy");
  while (!signal.aborted) {
    await fetch(url, { signal })
      .then((response) => response.text())
      .catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, VISIT_EVERY_MS));
  }
}

/** Waits until the charts have so many points that they show a course. */
async function hasPoints(watcher: Page): Promise<void> {
  const until = Date.now() + MEASURED_WITHIN_MS;
  const seen = new Set<string>();
  while (seen.size < POINTS && Date.now() < until) {
    seen.add(await watcher.getByRole("region", { name: "CPU in numbers" }).innerText());
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Opens a page and waits until nothing on it says that it is loading. */
async function show(page: Page, { name, path, show: before }: Picture): Promise<void> {
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page
    .waitForFunction(() => document.querySelector('[aria-label="Loading"]') === null, undefined, {
      timeout: TAB_WITHIN_MS,
    })
    .catch(() => progress.note(`${name} is still loading in its picture`));
  await before?.(page);
  await page.evaluate(
    async () => await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 2000 })),
  );
}

/** WebP is a third of PNG's size, and Playwright itself does not make it. */
async function take(page: Page, name: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", {
    format: FORMAT,
    ...(FORMAT === "webp" && { quality: QUALITY }),
  });
  await writeFile(join(options.folder, `${name}.${FORMAT}`), Buffer.from(data, "base64"));
  await devtools.detach();
}
