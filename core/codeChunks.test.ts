import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunkText, CODE_LIMITS, textOf } from "./codeChunks.ts";

describe("chunkText", () => {
  it("keeps a small file in one piece", () => {
    expect(chunkText("one\r\ntwo\n")).toEqual([{ startLine: 1, endLine: 3, text: "one\ntwo\n" }]);
  });

  it("leaves out what is blank", () => {
    expect(chunkText("\n \n\t\n")).toEqual([]);
  });

  it("overlaps its chunks", () => {
    const text = Array.from({ length: 150 }, (_, index) => `line ${index + 1}`).join("\n");
    expect(chunkText(text).map(({ startLine, endLine }) => [startLine, endLine])).toEqual([
      [1, 60],
      [51, 110],
      [101, 150],
    ]);
  });

  it("covers every line of any text within its limits", () => {
    const line = fc.oneof(fc.string({ maxLength: 80 }), fc.constant("x".repeat(3000)));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 300 }), (lines) => {
        const chunks = chunkText(lines.join("\n"));
        const covered = new Set(
          chunks.flatMap(({ startLine, endLine }) =>
            Array.from({ length: endLine - startLine + 1 }, (_, offset) => startLine + offset),
          ),
        );
        const all = lines.join("\n").split(/\r?\n/);
        const missed = all.some((text, index) => text.trim() !== "" && !covered.has(index + 1));
        return (
          (chunks.length === CODE_LIMITS.chunksOfFile || !missed) &&
          chunks.every((chunk) => chunk.text.length <= CODE_LIMITS.chunkLength)
        );
      }),
    );
  });

  it("ends, however long a line is", () => {
    const chunks = chunkText("y".repeat(100_000));
    expect(chunks).toHaveLength(1);
    expect(chunks[0]!.text).toHaveLength(CODE_LIMITS.chunkLength);
  });
});

describe("textOf", () => {
  it("tells text from what is none", () => {
    expect(textOf(new TextEncoder().encode("grün"))).toBe("grün");
    expect(textOf(new Uint8Array([65, 0, 66]))).toBeNull();
    expect(textOf(new Uint8Array([0xff, 0xfe]))).toBeNull();
  });
});
