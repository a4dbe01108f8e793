// @vitest-environment happy-dom
import { MantineProvider } from "@mantine/core";
import { renderToStaticMarkup } from "react-dom/server";
import { MemoryRouter } from "react-router";
import type { ReactNode } from "react";
import { expect, test } from "vitest";
import type { ReleaseState } from "../../../../core/releases.ts";
import { servingOf } from "./choices.ts";
import { Receipt } from "./Receipt.tsx";
import { ReleaseList, type Release } from "./ReleaseList.tsx";
import { TestResults } from "./TestResults.tsx";
import type { Deploys } from "./useDeploys.tsx";

/** What a person reads of releases, as the page draws it. */

function drawn(element: ReactNode): HTMLElement {
  const place = document.createElement("div");
  place.innerHTML = renderToStaticMarkup(
    <MantineProvider>
      <MemoryRouter>{element}</MemoryRouter>
    </MantineProvider>,
  );
  return place;
}

const textsOf = (place: HTMLElement, selector: string) =>
  [...place.querySelectorAll(selector)].map(({ textContent }) => textContent?.trim());

const release = (number: number, state: ReleaseState): Release => ({
  releaseId: `release${number}` as Release["releaseId"],
  ...{ number, state },
  snapshot: "a".repeat(64),
  files: 12,
  bytes: 2048,
  message: "tests passed in 3.2 s",
  createdAt: Date.now() - 60_000,
  testedAt: null,
  result: null,
});

const releases = [release(3, "passed"), release(2, "passed"), release(1, "failed")];
const serving = servingOf({ desired: "running", release: 2 }, [{ number: 1, state: "live", release: 2 }]);
// Nothing is pressed here.
const deploys = {} as Deploys;
const list = (mayDeploy: boolean) =>
  drawn(<ReleaseList {...{ slug: "shop", releases, serving, mayDeploy, deploys }} />);

test("each release leads to all about it, and the one that serves says so", () => {
  const rows = [...list(false).querySelectorAll("li")];
  expect(rows.map((row) => row.querySelector("a")?.getAttribute("href"))).toEqual([
    "/p/shop/releases?release=3",
    "/p/shop/releases?release=2",
    "/p/shop/releases?release=1",
  ]);
  expect(rows.map((row) => row.textContent?.includes("serves"))).toEqual([false, true, false]);
});

test("whoever may deploy is offered what is possible, others nothing", () => {
  const labels = [...list(true).querySelectorAll("button")].map((one) => one.getAttribute("aria-label"));
  expect(labels).toEqual(["Deploy release 3", "Canary release 3"]);
  expect(list(false).querySelectorAll("button")).toHaveLength(0);
});

test("a receipt is a table of phases", () => {
  const phase = { accepted: 1204, served: 1204, failed: 0, aborted: 0, p50Ms: 3, p99Ms: 12 };
  const place = drawn(
    <Receipt receipt={{ before: phase, during: phase, after: { ...phase, p99Ms: null } }} />,
  );
  expect(textsOf(place, "tbody th")).toEqual(["Before", "During", "After"]);
  expect(textsOf(place, "tbody tr:last-child td")).toEqual(["1,204", "1,204", "0", "0", "3 ms", "–"]);
});

test("test results say of each service how it ended", () => {
  const services = [
    { service: "web", replica: 1, exitCode: 0, durationMs: 900 },
    { service: "api", replica: 2, exitCode: 3, durationMs: 61_000 },
  ];
  const result = { exitCode: 3, timedOut: false, durationMs: 61_000, services };
  const place = drawn(<TestResults result={result} output={"one\ntwo\n"} />);
  expect(textsOf(place, "tbody tr")).toEqual(["webexit code 0900 ms", "api 2exit code 31 min 1 s"]);
  expect(place.textContent).toContain("2 lines");
});
