import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { EDGES } from "../../core/lifecycle.ts";
import { lifecycleDrawing, lifecyclePage } from "../../core/lifecycleText.ts";

test("docs/lifecycle.md is what the table says; npm run docs:lifecycle writes it", async () => {
  const written = await readFile(new URL("../../docs/lifecycle.md", import.meta.url), "utf8");
  expect(written).toBe(lifecyclePage());
});

test("every move is in the drawing", () => {
  const drawing = lifecycleDrawing();
  for (const { from, to } of EDGES) {
    const line = to === "failed" || to === "deleting" ? `any --> ${to}` : `${from} --> ${to}`;
    expect(drawing).toContain(line);
  }
});
