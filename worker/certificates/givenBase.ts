import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CertificatePair } from "./certificateFacts.ts";
import { readIfThere, writePrivate } from "./privateFiles.ts";

/** The certificate that somebody brought for all names below the base domain: of this machine, and kept on it alone. */

function pathIn(dataDir: string): string {
  return join(dataDir, "certificates", "base.pem");
}

const KEY = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----\n?/;

/** Key and chain in one file, so that a reader never finds one without the other's new version. */
export async function writeBase(dataDir: string, { chain, key }: CertificatePair): Promise<void> {
  await writePrivate(pathIn(dataDir), key + chain);
}

/** @returns whether there was one */
export async function removeBase(dataDir: string): Promise<boolean> {
  const isThere = await stat(pathIn(dataDir)).then(
    () => true,
    () => false,
  );
  await rm(pathIn(dataDir), { force: true });
  return isThere;
}

/** Undefined where nobody brought one. */
export async function readBase(dataDir: string): Promise<CertificatePair | undefined> {
  const text = await readIfThere(pathIn(dataDir));
  const key = text === null ? undefined : KEY.exec(text)?.[0];
  return text === null || key === undefined ? undefined : { key, chain: text.replace(KEY, "") };
}
