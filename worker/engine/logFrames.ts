/** Docker puts an 8-byte header (stream, then length) before each piece of a log. */

export type LogFrame = { stream: "stdout" | "stderr"; content: Buffer };

export function logFrames(raw: Buffer): LogFrame[] {
  const frames: LogFrame[] = [];
  for (let at = 0; at + 8 <= raw.length;) {
    const length = raw.readUInt32BE(at + 4);
    frames.push({
      stream: raw.readUInt8(at) === 2 ? "stderr" : "stdout",
      content: raw.subarray(at + 8, at + 8 + length),
    });
    at += 8 + length;
  }
  return frames;
}

/** What a log says, without the headers. */
export function logText(raw: Buffer): string {
  return Buffer.concat(logFrames(raw).map(({ content }) => content)).toString("utf8");
}

export type LogLine = { stream: "stdout" | "stderr"; at: number; text: string };

/** Docker's `timestamps`: RFC 3339 with nanoseconds, then a space. */
const STAMPED = /^(\d{4}-\d\d-\d\dT\S+) (.*)$/s;

/** The lines of a log that was asked for with `timestamps`; `at` in ms since 1970, with the microseconds behind the point. */
export function logLines(raw: Buffer): LogLine[] {
  return logFrames(raw).flatMap(({ stream, content }) =>
    content
      .toString("utf8")
      .split("\n")
      .flatMap((line) => {
        const [, stamp, text] = STAMPED.exec(line) ?? [];
        return stamp === undefined || text === undefined ? [] : [{ stream, at: stampMs(stamp), text }];
      }),
  );
}

function stampMs(stamp: string): number {
  const fraction = /\.(\d+)/.exec(stamp)?.[1] ?? "";
  const beyondMs = Number(`0.${fraction.padEnd(9, "0").slice(3, 6) || "0"}`);
  return Date.parse(stamp) + beyondMs;
}
