import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { parseBaseDomain } from "../../../core/baseDomain.ts";
import { ENDING_MS } from "../../../core/certificates.ts";
import { SlipwayError } from "../../../core/errors.ts";
import { domainName } from "../../../core/gatewaySettings.ts";
import { certificateSecret, sealSecret } from "../../../core/sealing.ts";
import { acmeFolder, AcmeStore } from "../../../worker/certificates/acmeStore.ts";
import type { CertificatePair } from "../../../worker/certificates/certificateFacts.ts";
import { readBase, removeBase, writeBase } from "../../../worker/certificates/givenBase.ts";
import { BASE_ID, parseDigest, type Digest } from "../../../worker/certificates/wantedCertificates.ts";
import { SocketCertificateDoor } from "../../../worker/gateway/certificateDoor.ts";
import { isErrorCode } from "../../setup/dataDir.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";
import { table } from "../lib/output.ts";
import { openSession, type Session } from "../lib/session.ts";

const DAY_MS = 24 * 3_600_000;

export function addCert(program: Command): void {
  const cert = program
    .command("cert")
    .summary("set, list and remove certificates")
    .description("Set, list and remove the certificates that the gateway answers https with.");
  cert
    .command("set")
    .summary("bring a certificate for a domain")
    .description(
      "Bring a certificate for a project's domain, or for *.<base domain>. Its key is sealed here and opened by the worker " +
        "alone; what is for the base domain stays on this machine.",
    )
    .argument("<domain>", "a project's domain, or *.<base domain>")
    .requiredOption("--cert <file>", "the certificate and those that lead to its authority, as PEM")
    .requiredOption("--key <file>", "its private key, as PEM")
    .action(set);
  cert
    .command("list")
    .alias("ls")
    .description("List the certificates of this machine's gateway, and what authorities refused.")
    .action(list);
  cert
    .command("remove")
    .alias("rm")
    .description("Remove a certificate that was set; the domain then gets one as any other does.")
    .argument("<domain>", "a project's domain, or *.<base domain>")
    .action(remove);
}

async function set(domain: string, files: { cert: string; key: string }, command: Command): Promise<void> {
  // Slow to load, and no other command needs it.
  const { certificateFacts, checkCertificate } =
    await import("../../../worker/certificates/certificateFacts.ts");
  const output = outputOf(command);
  const given: CertificatePair = { chain: await readPem(files.cert), key: await readPem(files.key) };
  const name = checkedName(domain);
  const pair = checkCertificate(given, name, Date.now());
  const session = await openSession();
  if (isBase(name)) await writeBase(session.dataDir, pair);
  else {
    const { namespace } = await session.http.query(api.certificates.domainOwner, { domain: name });
    const key = await session.http.query(api.secrets.sealingKey, {});
    const sealed = await sealSecret(key, { namespace, name: certificateSecret(name) }, pair.key);
    await session.http.mutation(api.certificates.setCertificate, { domain: name, chain: pair.chain, sealed });
  }
  const { notAfter, names } = certificateFacts(pair.chain);
  output.say(
    `${name} has this certificate until ${day(notAfter)}. Nobody renews it: set the next one in time.`,
  );
  output.data({ domain: name, names, notAfter }, () => "");
}

async function list(_options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const digests = await new SocketCertificateDoor(session.dataDir).digests();
  const failures = await acmeFailures(session);
  const now = Date.now();
  const base = await baseProblem(session, now);
  const certificates = [...digests].map(([id, text]) => {
    const digest = parseDigest(text);
    const own = id === BASE_ID ? base : (failures.get(id)?.message ?? null);
    return {
      id,
      source: digest?.source ?? "unknown",
      notAfter: digest?.notAfter ?? null,
      problem: own ?? (digest && endProblem(digest, now)),
    };
  });
  const missing = [...failures].filter(([id]) => !digests.has(id));
  const rows = [
    ...certificates,
    ...missing.map(([id, { message }]) => ({ id, source: "acme", notAfter: null, problem: message })),
  ].sort((one, other) => (one.id < other.id ? -1 : 1));
  output.data(rows, () =>
    table(
      ["CERTIFICATE", "FROM", "UNTIL", "PROBLEM"],
      rows.map(({ id, source, notAfter, problem }) => [
        id,
        source,
        notAfter === null ? "-" : `${day(notAfter)} (${Math.floor((notAfter - now) / DAY_MS)} days)`,
        problem ?? "-",
      ]),
    ),
  );
}

async function remove(domain: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const name = checkedName(domain);
  const session = await openSession();
  if (!isBase(name)) await session.http.mutation(api.certificates.removeCertificate, { domain: name });
  else if (!(await removeBase(session.dataDir))) {
    throw new SlipwayError({ code: "not_found", message: `No certificate was set for ${name}.` });
  }
  output.say(`The certificate of ${name} is removed.`);
  output.data({ domain: name }, () => "");
}

function baseName(): string {
  return parseBaseDomain(process.env.SLIPWAY_BASE_DOMAIN);
}

function isBase(name: string): boolean {
  return name === `*.${baseName()}`;
}

function checkedName(domain: string): string {
  const name = isBase(domain.toLowerCase()) ? domain.toLowerCase() : domainName(domain);
  if (name !== null) return name;
  throw new WrongUse(`"${domain}" is no domain that can have a certificate.`, {
    hint: `Name a project's domain, or *.${baseName()} for all environments' own names.`,
  });
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const why = isErrorCode(cause, "ENOENT") ? "there is no such file" : "it cannot be read";
    throw new SlipwayError({ code: "bad_request", message: `${path} is not usable: ${why}.` }, { cause });
  }
}

async function acmeFailures({ dataDir }: Session): Promise<Map<string, { message: string }>> {
  const store = new AcmeStore(acmeFolder(dataDir));
  const failures = new Map<string, { message: string }>();
  for (const domain of await store.domains()) {
    const { message, retryAt } = await store.read(domain);
    if (message === undefined || retryAt === null) continue;
    failures.set(domain, { message: `${message} Next try: ${new Date(retryAt).toISOString()}.` });
  }
  return failures;
}

/** Of what was set for all names below the base domain, also once something else serves in its place. */
async function baseProblem({ dataDir }: Session, now: number): Promise<string | null> {
  const base = await readBase(dataDir);
  if (!base) return null;
  // Slow to load, and no other command needs it.
  const { judgeGiven } = await import("../../../worker/certificates/givenCertificate.ts");
  const { state, message } = judgeGiven(base, `*.${baseName()}`, now);
  return state === "good" ? null : message;
}

function endProblem({ source, notAfter }: Digest, now: number): string | null {
  if (notAfter <= now) return "It has ended.";
  const isEnding = source === "file" && notAfter - now <= ENDING_MS;
  return isEnding ? "It ends soon, and nobody renews it: set the next one." : null;
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
