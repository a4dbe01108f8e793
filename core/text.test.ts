import { describe, expect, test } from "vitest";
import { endOf, lastLines, plain, startOf, wellFormed } from "./text.ts";

const ROCKET = "🚀";
const HALF = "\ud83d";

describe("a cut", () => {
  test("takes what fits, and all where all does", () => {
    expect(startOf("abc", 2)).toBe("ab");
    expect(endOf("abc", 2)).toBe("bc");
    for (const cut of [startOf, endOf]) {
      expect(cut("abc", 3)).toBe("abc");
      expect(cut("abc", 0)).toBe("");
      expect(cut("", 5)).toBe("");
    }
  });

  test.each([1, 2, 3, 4, 499, 500])("at %i leaves whole characters", (most) => {
    const text = `!${ROCKET.repeat(300)}!`;
    for (const cut of [startOf(text, most), endOf(text, most)]) {
      expect(cut.isWellFormed()).toBe(true);
      expect(cut).not.toContain("\ufffd");
      expect(cut.length).toBeGreaterThanOrEqual(most - 1);
      expect(cut.length).toBeLessThanOrEqual(most);
    }
  });

  test("puts U+FFFD for halves that were there before", () => {
    expect(startOf(`${HALF}a${HALF}`, 3)).toBe("\ufffda\ufffd");
    expect(endOf(`\ude80a${HALF}`, 3)).toBe("\ufffda\ufffd");
  });
});

describe("the last lines of a program", () => {
  test("are the last five, with bars between them", () => {
    expect(lastLines("1\n2\n3\n4\n5\n6\n")).toBe(" Its last lines: 2 | 3 | 4 | 5 | 6");
    expect(lastLines(" \n")).toBe("");
    expect(lastLines(undefined)).toBe("");
  });

  test("are whole characters that can be shown, whatever it wrote", () => {
    expect(lastLines(`${ROCKET.repeat(300)}!`).isWellFormed()).toBe(true);
    expect(lastLines("\u001b[31mno\u0000 disk\u001b[0m\u007f\u0085 \u001b(\r\n[INFO] bye")).toBe(
      " Its last lines: no disk ( | [INFO] bye",
    );
  });
});

test("what only a terminal understands is left out, tabs and line feeds are not", () => {
  expect(plain("\u001b[32mready\u001b[0m in \u001b[1;31m3 s\u001b[0m")).toBe("ready in 3 s");
  expect(plain("50%\r100%\tdone")).toBe("50%100%\tdone");
  expect(plain("\u001b]8;;http://x\u0007link\u001b]8;;\u0007\ta\nb\u0000")).toBe("link\ta\nb");
});

test("every string in a value is made well-formed, and nothing else changes", () => {
  const bytes = new Uint8Array([1]).buffer;
  const value = { a: [`${HALF}x`, 1n, null], b: { c: `${ROCKET}`, d: undefined }, bytes };
  expect(wellFormed(value)).toEqual({ a: ["\ufffdx", 1n, null], b: { c: ROCKET, d: undefined }, bytes });
  expect(wellFormed(value).bytes).toBe(bytes);
});
