import { describe, expect, test } from "vitest";
import { contrast } from "../../shared/contrast.ts";
import { TERMINAL_THEMES } from "./terminalThemes.ts";

const ABOUT_SOMETHING_ELSE = ["background", "cursorAccent", "selectionBackground"];

describe.each(["light", "dark"] as const)("%s", (scheme) => {
  const { background, selectionBackground, foreground, ...theme } = TERMINAL_THEMES[scheme];

  test("every colour that text may have can be read (WCAG 1.4.3)", () => {
    for (const [name, color] of Object.entries({ foreground, ...theme })) {
      if (ABOUT_SOMETHING_ELSE.includes(name)) continue;
      expect(contrast(color as string, background!), name).toBeGreaterThanOrEqual(4.5);
    }
  });

  test("so can what is selected", () => {
    expect(contrast(foreground!, selectionBackground!)).toBeGreaterThanOrEqual(4.5);
  });
});
