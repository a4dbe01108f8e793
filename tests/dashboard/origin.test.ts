import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureChromium } from "../../scripts/setup/chromium.ts";
import { openDashboard, type Dashboard } from "../../worker/dashboard/dashboard.ts";
import { gatewayPaths, gatewayUser } from "../../worker/gateway/config.ts";
import { ask } from "../gateway/client.ts";
import { routesTo, slugOf, World } from "../gateway/world.ts";

/** In a real browser: what a project serves never runs where the dashboard keeps its token. */

const PORT = 28_098;
const SHOP = "project_1700000000098_shopaaaa";
const ORIGIN = `http://localhost:${PORT}`;
/** A page that its container serves, by its path on the gateway's own host. */
const PAGE = `/projects/${SHOP}/dev/headers?content-type=text/html`;
const SCRIPT = `/projects/${SHOP}/dev/headers?content-type=text/javascript`;

let world: World;
let dashboard: Dashboard;
let browser: Browser;
let context: BrowserContext;

beforeAll(async () => {
  world = await World.start("gworig23", PORT, "10.249.15");
  const shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  await world.gateway.pushProject(routesTo(SHOP, { dev: [shop] }));
  const { dataDir, instanceId } = world.config;
  await mkdir(join(dataDir, "dist"));
  await writeFile(join(dataDir, "dist/index.html"), "<title>the dashboard</title>");
  dashboard = await openDashboard({
    socketPath: gatewayPaths(dataDir).dashboardSocket,
    owner: gatewayUser({ dataDir, instanceId }),
    folder: join(dataDir, "dist"),
    convexUrl: "http://127.0.0.1:9",
    facts: { baseDomain: "localhost", httpPort: PORT, httpsPort: null, host: "box", version: "0.1.0" },
    door: { answer: async (_request, response) => void response.end(), upgrade: async () => {} },
    log: () => {},
  });
  browser = await chromium.launch({ executablePath: await ensureChromium(), args: ["--no-sandbox"] });
  context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(ORIGIN);
  await page.evaluate(() => localStorage.setItem("slipway.token", "secret"));
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
  await world?.stop();
});

const readToken = (page: Page) =>
  page.evaluate(() => {
    try {
      return localStorage.getItem("slipway.token");
    } catch (error) {
      return (error as Error).name;
    }
  });

test("the dashboard's own page has the token", async () => {
  const page = await context.newPage();
  await page.goto(`${ORIGIN}/p/shop`);
  expect(await readToken(page)).toBe("secret");
});

test("a project's page, asked for by its path, is shown at its own origin, and has no token", async () => {
  const page = await context.newPage();
  await page.goto(ORIGIN + PAGE);
  expect(new URL(page.url()).origin).toBe(`http://dev--${slugOf(SHOP)}.localhost:${PORT}`);
  expect(await page.textContent("body")).toContain('"name":"shop"');
  expect(await readToken(page)).toBeNull();
});

test("in a browser that does not say what it asks for, that page is in nobody's origin", async () => {
  const page = await context.newPage();
  await page.route(ORIGIN + PAGE, async (route) => {
    const { status, headers, body } = await ask(PORT, PAGE, { host: `localhost:${PORT}` });
    await route.fulfill({ status, body, headers: headers as Record<string, string> });
  });
  await page.goto(ORIGIN + PAGE);
  expect(page.url()).toBe(ORIGIN + PAGE);
  expect(await page.textContent("body")).toContain('"name":"shop"');
  expect(await readToken(page)).toBe("SecurityError");
});

test("the dashboard's page cannot be made to run what a project serves, nor to show it", async () => {
  const page = await context.newPage();
  await page.goto(ORIGIN);
  const outcome = await page.evaluate(
    async ([script, frame]) => {
      const violated: string[] = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        violated.push(event.effectiveDirective),
      );
      const ran = new Promise<string>((resolve) => {
        const element = document.createElement("script");
        element.onload = () => resolve("ran");
        element.onerror = () => resolve("blocked");
        element.src = script!;
        document.head.append(element);
      });
      const framed = new Promise<void>((resolve) => {
        const element = document.createElement("iframe");
        element.onload = () => resolve();
        element.src = frame!;
        document.body.append(element);
      });
      const scriptOutcome = await ran;
      await framed;
      return { script: scriptOutcome, violated: violated.sort() };
    },
    [SCRIPT, PAGE],
  );
  expect(outcome).toEqual({ script: "blocked", violated: ["frame-src", "script-src-elem"] });
});

test("and no other page can frame the dashboard", async () => {
  const page = await context.newPage();
  await page.goto(`http://dev--${slugOf(SHOP)}.localhost:${PORT}/headers?content-type=text/html`);
  const refused = page.waitForEvent("console", (message) => message.text().includes("frame-ancestors"));
  await page.evaluate((origin) => {
    const element = document.createElement("iframe");
    element.src = origin;
    document.body.append(element);
  }, ORIGIN);
  await refused;
});
