import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type axeCore from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";
import { ensureChromium } from "../../scripts/setup/chromium.ts";

/** A real Chromium, and what is held against every page that a test sees: nothing on the console, nothing that axe finds. */

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** What a page may take to show something here, while the machine is busy with containers. */
export const SHOWN_WITHIN_MS = 30_000;

/**
 * Chromium ends what is under way when a network of its machine comes or goes, and here one does with each container
 * that any test starts. What the dashboard asks for while it is open it asks for again by itself.
 */
const NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED";
const MOST_LOADS = 5;

export type Scheme = "light" | "dark";

export class TestBrowser {
  private readonly complaints: string[] = [];
  private constructor(
    private readonly browser: Browser,
    private readonly origin: string,
  ) {}

  /** @param origin of the dashboard, like `http://localhost:8080` */
  static async open(origin: string): Promise<TestBrowser> {
    const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ["--no-sandbox"] });
    return new TestBrowser(browser, origin);
  }

  /** A person of their own: nobody is signed in. */
  async person(
    options: { scheme?: Scheme; width?: number; height?: number; origin?: string } = {},
  ): Promise<Page> {
    const { scheme = "light", width = 1400, height = 900, origin = this.origin } = options;
    const context = await this.browser.newContext({
      baseURL: origin,
      // Slipway's own CA is not known to this browser.
      ignoreHTTPSErrors: true,
      viewport: { width, height },
      colorScheme: scheme,
      reducedMotion: "reduce",
    });
    return await this.watched(context);
  }

  private async watched(context: BrowserContext): Promise<Page> {
    context.setDefaultTimeout(SHOWN_WITHIN_MS);
    const page = await context.newPage();
    reloadOnNetworkChange(page);
    page.on("console", (message) => {
      if (message.text().includes(NETWORK_CHANGED)) return;
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(`${new URL(page.url()).pathname}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) =>
      this.complaints.push(`${new URL(page.url()).pathname}: ${String(error)}`),
    );
    return page;
  }

  /** Fails where any page has written an error or a warning on its console since the last time. */
  expectQuietConsole(): void {
    const said = this.complaints.splice(0);
    expect(said).toEqual([]);
  }

  /** For what a test provokes on purpose: takes the complaints that match back. */
  forgive(pattern: RegExp): void {
    const kept = this.complaints.filter((line) => !pattern.test(line));
    this.complaints.splice(0, this.complaints.length, ...kept);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** Opens pages as a person does, who loads one again that came in part. */
function reloadOnNetworkChange(page: Page): void {
  let isBroken = false;
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText === NETWORK_CHANGED) isBroken = true;
  });
  const goto = page.goto.bind(page);
  page.goto = async (url, options) => {
    for (let attempt = 1; ; attempt += 1) {
      isBroken = false;
      try {
        const response = await goto(url, options);
        if (!isBroken || attempt === MOST_LOADS) return response;
      } catch (error) {
        if (!isBroken || attempt === MOST_LOADS) throw error;
      }
    }
  };
}

/** Pastes a token at the sign-in page, as a person does. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("Or paste a token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Signed in as/ }).waitFor();
}

/** Fails where axe-core finds a violation of WCAG 2 A or AA, or of its best practices, in what is shown now. */
export async function expectAccessible(page: Page, rules?: string[]): Promise<void> {
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations } = await page.evaluate(
    async (only) =>
      await (globalThis as unknown as { axe: typeof axeCore }).axe.run(
        only ? { runOnly: { type: "rule", values: only } } : {},
      ),
    rules,
  );
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(" ")} ${failureSummary ?? ""}`).join("; ")}`,
  );
  expect(told, new URL(page.url()).pathname).toEqual([]);
}

/** In both schemes, which differ in colours alone. */
export async function expectAccessibleInBoth(page: Page): Promise<void> {
  await expectAccessible(page);
  await inScheme(page, "dark", () => expectAccessible(page, ["color-contrast"]));
}

async function inScheme(page: Page, colorScheme: Scheme, look: () => Promise<void>): Promise<void> {
  const before = await page.locator("html").getAttribute("data-mantine-color-scheme");
  await page.emulateMedia({ colorScheme });
  // The page hears of it a moment later; in between it is in neither.
  await page.locator(`html[data-mantine-color-scheme="${colorScheme}"]`).waitFor({ state: "attached" });
  await look();
  await page.emulateMedia({ colorScheme: before === "dark" ? "dark" : "light" });
  await page.locator(`html[data-mantine-color-scheme="${before}"]`).waitFor({ state: "attached" });
}
