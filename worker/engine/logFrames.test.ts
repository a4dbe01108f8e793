import { expect, test } from "vitest";
import { logLines, logText } from "./logFrames.ts";

function frame(stream: 1 | 2, text: string): Buffer {
  const content = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(content.length, 4);
  return Buffer.concat([header, content]);
}

test("takes the headers out, and tells stdout from stderr", () => {
  const raw = Buffer.concat([
    frame(1, "2026-01-02T03:04:05.123456789Z hello\n"),
    frame(2, "2026-01-02T03:04:06Z oh no: a 2nd one\n"),
  ]);
  expect(logText(raw)).toBe("2026-01-02T03:04:05.123456789Z hello\n2026-01-02T03:04:06Z oh no: a 2nd one\n");
  expect(logLines(raw)).toEqual([
    { stream: "stdout", at: Date.UTC(2026, 0, 2, 3, 4, 5, 123) + 0.456, text: "hello" },
    { stream: "stderr", at: Date.UTC(2026, 0, 2, 3, 4, 6), text: "oh no: a 2nd one" },
  ]);
});

test("keeps an empty line, and leaves out what a cut header announces", () => {
  const raw = Buffer.concat([frame(1, "2026-01-02T03:04:05Z \n"), Buffer.from([1, 0, 0])]);
  expect(logLines(raw).map(({ text }) => text)).toEqual([""]);
});
