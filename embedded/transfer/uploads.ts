/** Uploads in parts: `npx convex import` sends a file in pieces of a few MiB and then names them in order. */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { TransferError } from "./transferError.ts";

const MAX_PARTS = 9_999;
const MAX_UPLOADS = 16;
/** An upload that nobody has added to for this long is given up. */
const IDLE_MS = 60 * 60 * 1_000;
export const DEFAULT_MAX_UPLOAD_BYTES = 8 * 2 ** 30;

interface Part {
  readonly token: string;
  readonly path: string;
  readonly size: number;
}

interface Upload {
  readonly folder: string;
  readonly parts: Map<number, Part>;
  lastUsedAt: number;
}

export interface Uploads {
  start(): string;
  /** Takes part `number` (from 1); sent again, it replaces the earlier one. Returns the part's token. */
  addPart(uploadToken: string, number: number, bytes: AsyncIterable<Uint8Array>): Promise<string>;
  /** Joins the parts into one file and returns its path; the caller removes it. */
  finish(uploadToken: string, partTokens: readonly string[]): Promise<string>;
}

/** Opens the folder for uploads; what is in it from before is removed. */
export function openUploads(folder: string, now: () => number, maxBytes: number): Uploads {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const uploads = new Map<string, Upload>();

  const find = (token: string): Upload => {
    const upload = uploads.get(token);
    if (upload === undefined) {
      throw new TransferError(
        "UploadNotFound",
        "There is no such upload: it has ended, or the server was restarted.",
      );
    }
    upload.lastUsedAt = now();
    return upload;
  };

  const giveUpIdle = (): void => {
    for (const [token, upload] of uploads) {
      if (now() - upload.lastUsedAt < IDLE_MS) continue;
      uploads.delete(token);
      rmSync(upload.folder, { recursive: true, force: true });
    }
  };

  return {
    start: () => {
      giveUpIdle();
      if (uploads.size >= MAX_UPLOADS) {
        throw new TransferError(
          "TooManyUploads",
          `${MAX_UPLOADS} uploads are under way; try again later.`,
          503,
        );
      }
      const token = randomBytes(24).toString("base64url");
      const own = path.join(folder, token);
      mkdirSync(own, { mode: 0o700 });
      uploads.set(token, { folder: own, parts: new Map(), lastUsedAt: now() });
      return token;
    },
    addPart: async (uploadToken, number, bytes) => {
      if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
        throw new TransferError("InvalidPart", `A part's number is from 1 to ${MAX_PARTS}, got ${number}.`);
      }
      const upload = find(uploadToken);
      const others = [...upload.parts].reduce((sum, [n, { size }]) => (n === number ? sum : sum + size), 0);
      const temporary = path.join(upload.folder, randomBytes(8).toString("hex"));
      const hash = createHash("sha256");
      let size = 0;
      try {
        await pipeline(
          bytes,
          async function* (source: AsyncIterable<Uint8Array>) {
            for await (const chunk of source) {
              size += chunk.byteLength;
              if (others + size > maxBytes) {
                throw new TransferError("UploadTooLarge", `An import has at most ${maxBytes} bytes.`, 413);
              }
              hash.update(chunk);
              yield chunk;
            }
          },
          createWriteStream(temporary, { mode: 0o600 }),
        );
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      const token = `${number}.${hash.digest("base64url")}`;
      const final = path.join(upload.folder, `part-${number}`);
      await rename(temporary, final);
      upload.parts.set(number, { token, path: final, size });
      return token;
    },
    finish: async (uploadToken, partTokens) => {
      const upload = find(uploadToken);
      const byToken = new Map([...upload.parts.values()].map((part) => [part.token, part]));
      const parts = partTokens.map((token) => byToken.get(token));
      if (parts.length !== new Set(partTokens).size || parts.includes(undefined)) {
        throw new TransferError("InvalidPart", "The upload does not have exactly the parts that were named.");
      }
      uploads.delete(uploadToken);
      const whole = path.join(folder, `${uploadToken}.import`);
      try {
        await pipeline(
          async function* () {
            for (const part of parts) {
              yield* createReadStream(part!.path) as AsyncIterable<Uint8Array>;
              await rm(part!.path);
            }
          },
          createWriteStream(whole, { mode: 0o600 }),
        );
      } finally {
        await rm(upload.folder, { recursive: true, force: true });
      }
      return whole;
    },
  };
}
