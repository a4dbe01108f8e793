import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { CertificatePair } from "./certificateFacts.ts";
import { clearUnfinished, namesIn, readJson, writePrivate } from "./privateFiles.ts";

/** What came of asking for a domain's certificate: kept over restarts, so that a worker that starts again asks no sooner. */
export type AcmeState = {
  pair?: CertificatePair;
  /** The URL of the directory that `pair` is from; not given in files of versions that did not tell. */
  directory?: string;
  /** Since the last success. */
  failures: number;
  /** ms since 1970; null where it may be asked at any time. */
  retryAt: number | null;
  /** Of the last failure, for people. */
  message?: string;
  /** What kind of failure that was: see {@link AcmeError}. */
  kind?: string;
  /** The URL of the directory that `failures` and all below are about; not given as above. */
  asked?: string;
};

const vState = z.object({
  pair: z.object({ chain: z.string(), key: z.string() }).optional(),
  directory: z.string().optional(),
  failures: z.int(),
  retryAt: z.number().nullable(),
  message: z.string().optional(),
  kind: z.string().optional(),
  asked: z.string().optional(),
});
/** Where the file's name does not tell. */
const vNamed = z.object({ domain: z.string() });

const NOTHING: AcmeState = { failures: 0, retryAt: null };
const SUFFIX = ".certificate.json";
/** No domain has such a name. */
const HASHED = "sha256_";
/** Bytes, on every file system that Linux commonly has. */
const MAX_NAME = 255;

/** Where the account's key and the certificates of an ACME server are kept. */
export function acmeFolder(dataDir: string): string {
  return join(dataDir, "certificates", "acme");
}

/** One file a domain, 0600, named after it; after its hash where the name would be too long for a file's. */
export class AcmeStore {
  private readonly folder: string;
  private readonly say: (message: string) => void;
  private readonly said = new Set<string>();

  /** @param say told once of each file that cannot be understood, and counts as none; nothing that it holds is in it */
  constructor(folder: string, say: (message: string) => void = () => undefined) {
    this.folder = folder;
    this.say = say;
  }

  /** @throws where the file cannot be read at all */
  async read(domain: string): Promise<AcmeState> {
    const path = this.path(domain);
    const state = await readJson(path, vState);
    if (state !== "unreadable") return state ?? NOTHING;
    if (!this.said.has(domain)) {
      this.said.add(domain);
      this.say(`${path} is not whole: ${domain} counts as one without a certificate, and is asked for anew.`);
    }
    return NOTHING;
  }

  async write(domain: string, state: AcmeState): Promise<void> {
    const named = fileOf(domain).startsWith(HASHED) ? { domain, ...state } : state;
    await writePrivate(this.path(domain), JSON.stringify(named));
    this.said.delete(domain);
  }

  async remove(domain: string): Promise<void> {
    await rm(this.path(domain), { force: true });
    this.said.delete(domain);
  }

  /** Removes the files of all domains that are not among `kept`. */
  async removeOthers(kept: readonly string[]): Promise<void> {
    const files = new Set(kept.map(fileOf));
    for (const name of await namesIn(this.folder)) {
      if (name.endsWith(SUFFIX) && !files.has(name)) await rm(join(this.folder, name), { force: true });
    }
  }

  /** Those of which there is a file; not those whose file is to tell and cannot be understood. */
  async domains(): Promise<string[]> {
    const domains: string[] = [];
    for (const name of await namesIn(this.folder)) {
      if (!name.endsWith(SUFFIX)) continue;
      if (!name.startsWith(HASHED)) {
        domains.push(name.slice(0, -SUFFIX.length));
        continue;
      }
      const named = await readJson(join(this.folder, name), vNamed);
      if (named !== null && named !== "unreadable") domains.push(named.domain);
    }
    return domains;
  }

  /** Removes what an earlier process left half written; before anything is written by this one. */
  async clear(): Promise<void> {
    await clearUnfinished(this.folder);
  }

  private path(domain: string): string {
    return join(this.folder, fileOf(domain));
  }
}

function fileOf(domain: string): string {
  const name = `${domain}${SUFFIX}`;
  if (name.length <= MAX_NAME) return name;
  return `${HASHED}${createHash("sha256").update(domain).digest("hex")}${SUFFIX}`;
}
