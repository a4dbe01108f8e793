import { afterAll, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { api } from "../../convex/_generated/api.js";
import { openSession, type Session } from "../../scripts/cli/lib/session.ts";
import { TestInstance } from "../firstLight/instance.ts";
import { expectAccessible, signIn, TestBrowser } from "./browser.ts";

/** The board and the table with a thousand projects. */

const PROJECTS = 1000;
const AT_ONCE = 20;

let slipway: TestInstance;
let browser: TestBrowser;
let session: Session;
let page: Page;

beforeAll(async () => {
  slipway = await TestInstance.make();
  await slipway.up();
  session = await openSession(slipway.dataDir);
  for (let from = 0; from < PROJECTS; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        session.http.mutation(api.projects.createProject, { name: `fleet-${from + index}`, stack: "node" }),
      ),
    );
  }
  const { httpPort } = await slipway.instance();
  browser = await TestBrowser.open(`http://localhost:${httpPort}`);
  page = await browser.person();
  await signIn(page, (await slipway.must("token", "create", "--role", "admin", "--ttl", "1h")).trim());
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await slipway?.destroy();
}, 120_000);

test("the board opens with the newest cards, and the page holds only those in sight", async () => {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const from = performance.now();
    await page.goto("/");
    await page.locator('[data-project="fleet-999"]').waitFor();
    times.push(performance.now() - from);
  }
  const sorted = times.sort((one, other) => one - other);
  console.log(
    `board with ${PROJECTS} projects: opens in ${Math.round(sorted[2]!)} ms (median of 5, ${Math.round(sorted[0]!)}–${Math.round(sorted[4]!)})`,
  );
  expect(await page.locator("[data-project]").count()).toBeLessThan(60);
  await expect.poll(() => page.getByLabel("1000 in created").count()).toBe(1);
  await expectAccessible(page);
});

test("a column scrolls through all of its projects", async () => {
  await page.goto("/");
  const column = page.getByRole("region", { name: "Projects in created" });
  await page.locator('[data-project="fleet-999"]').waitFor();
  await column.hover();
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        await page.mouse.wheel(0, 3000);
        for (const slug of await page
          .locator("[data-project]")
          .evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.project ?? "")))
          seen.add(slug);
        return seen.has("fleet-0");
      },
      { timeout: 60_000, interval: 50 },
    )
    .toBe(true);
});

test("the table finds, filters and sorts among all of them", async () => {
  await page.goto("/list");
  await page.getByText(`${PROJECTS + 1} projects`).waitFor();
  await page.getByLabel("Search").fill("fleet-77");
  await page.getByText(`11 of ${PROJECTS + 1} projects`).waitFor();
  await page.getByRole("button", { name: "Name" }).click();
  const slugs = await page
    .locator("tr[data-project]")
    .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-project")));
  expect(slugs.slice(0, 3)).toEqual(["fleet-77", "fleet-770", "fleet-771"]);
  await expectAccessible(page);
});

test("one change draws one row anew", async () => {
  await page.goto("/list");
  await page.getByText(`${PROJECTS + 1} projects`).waitFor();
  await page.getByRole("button", { name: "Created" }).click();
  await page.getByRole("button", { name: "Created" }).click();
  const row = page.locator('tr[data-project="fleet-990"]');
  await row.waitFor();
  // React replaces what differs: whoever changes is seen by a MutationObserver on the table.
  await page.evaluate(() => {
    const touched = new Set<string>();
    (globalThis as unknown as { touched: Set<string> }).touched = touched;
    new MutationObserver((records) => {
      for (const { target } of records) {
        const element = target instanceof Element ? target : target.parentElement;
        const project = element?.closest("[data-project]")?.getAttribute("data-project");
        // Ages tick by themselves.
        if (project && !element?.closest("time")) touched.add(project);
      }
    }).observe(document.querySelector("tbody")!, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  await session.http.mutation(api.projects.updateProjectStatus, { project: "fleet-990", to: "planning" });
  await row.getByText("planning").waitFor();
  const touched = await page.evaluate(() => [...(globalThis as unknown as { touched: Set<string> }).touched]);
  expect(touched).toEqual(["fleet-990"]);
  browser.expectQuietConsole();
});
