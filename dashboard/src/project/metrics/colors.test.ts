import { DEFAULT_THEME } from "@mantine/core";
import { describe, expect, test } from "vitest";
import { contrast } from "../../shared/contrast.ts";
import { LINE_COLORS, lineLook } from "./colors.ts";

/** What lies behind the lines: a card, in Mantine's colours. */
const BEHIND = { light: "#ffffff", dark: DEFAULT_THEME.colors.dark[7] } as const;

describe.each(["light", "dark"] as const)("%s", (scheme) => {
  test("each line stands out from the page (WCAG 1.4.11)", () => {
    for (const color of LINE_COLORS[scheme]) {
      expect(contrast(color, BEHIND[scheme]), color).toBeGreaterThanOrEqual(3);
    }
  });

  test("no two of the first eight lines look alike, in colour or in dashes with their neighbours", () => {
    const looks = Array.from({ length: 8 }, (_, index) => lineLook(index, scheme));
    expect(new Set(looks.map(({ color }) => color)).size).toBe(8);
    for (let index = 1; index < looks.length; index++) {
      expect(looks[index]!.dashes).not.toEqual(looks[index - 1]!.dashes);
    }
  });
});

test("contrast is counted as WCAG does", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  expect(contrast("#123456", "#123456")).toBe(1);
});
