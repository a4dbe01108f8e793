import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { CertificatePair } from "./certificateFacts.ts";
import { readIfThere, writePrivate } from "./privateFiles.ts";

/** What came of asking for a domain's certificate: kept over restarts, so that a worker that starts again asks no sooner. */
export type AcmeState = {
  pair?: CertificatePair;
  /** Since the last success. */
  failures: number;
  /** ms since 1970; null where it may be asked at any time. */
  retryAt: number | null;
  /** Of the last failure, for people. */
  message?: string;
};

const vState = z.object({
  pair: z.object({ chain: z.string(), key: z.string() }).optional(),
  failures: z.int(),
  retryAt: z.number().nullable(),
  message: z.string().optional(),
});

const NOTHING: AcmeState = { failures: 0, retryAt: null };
const SUFFIX = ".certificate.json";

/** Where the account's key and the certificates of an ACME server are kept. */
export function acmeFolder(dataDir: string): string {
  return join(dataDir, "certificates", "acme");
}

/** One file a domain, 0600. */
export class AcmeStore {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  async read(domain: string): Promise<AcmeState> {
    const text = await readIfThere(this.path(domain));
    if (text === null) return NOTHING;
    const parsed = vState.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : NOTHING;
  }

  async write(domain: string, state: AcmeState): Promise<void> {
    await writePrivate(this.path(domain), JSON.stringify(state));
  }

  async remove(domain: string): Promise<void> {
    await rm(this.path(domain), { force: true });
  }

  async domains(): Promise<string[]> {
    const names = await readdir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names.flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : []));
  }

  private path(domain: string): string {
    return join(this.folder, `${domain}${SUFFIX}`);
  }
}
