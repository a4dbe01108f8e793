import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EngineError } from "./engineError.ts";

/** Tars on their way to Docker and from it: each is watched byte by byte, so that none hangs and none takes too long. */

/**
 * Gives `source` to `send` and settles once it was taken whole.
 * @param moved called with each piece
 * @throws what `source` broke with, even where `send` would wait for more of it for ever
 */
export async function sendWhole(
  source: Readable,
  moved: () => void,
  send: (file: NodeJS.ReadableStream) => Promise<unknown>,
): Promise<void> {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      moved();
      done(null, chunk);
    },
  });
  const fed = pipeline(source, counted);
  const sent = send(counted);
  // Whichever fails first ends the other; its own failure then says nothing more.
  fed.catch(() => {});
  sent.catch(() => {});
  try {
    await Promise.race([sent, failureOf(fed)]);
  } finally {
    counted.destroy();
  }
}

async function failureOf(work: Promise<unknown>): Promise<never> {
  await work;
  return await new Promise<never>(() => {});
}

/**
 * `source` as a stream that breaks with a `deadline` once nothing came for `silenceMs` though somebody waits for it.
 * @param what completes "Docker could not …"
 */
export function endWhenSilent(source: Readable, silenceMs: number, what: string): Readable {
  const watched = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      timer.refresh();
      done(null, chunk);
    },
  });
  const timer = setTimeout(() => {
    // Whoever reads is slow, not Docker.
    if (watched.readableLength > 0) timer.refresh();
    else {
      watched.destroy(
        new EngineError("deadline", `Docker could not ${what}: nothing came for ${silenceMs / 1000} s`),
      );
    }
  }, silenceMs);
  timer.unref();
  watched.once("close", () => clearTimeout(timer));
  pipeline(source, watched).catch(() => {});
  return watched;
}
