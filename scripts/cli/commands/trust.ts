import { copyFile } from "node:fs/promises";
import type { Command } from "commander";
import { SlipwayError } from "../../../core/errors.ts";
import { runCommand } from "../../setup/command.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { outputOf } from "../lib/context.ts";

const STORE = "/usr/local/share/ca-certificates/slipway-local-ca.crt";
const UPDATE_MS = 60_000;

export function addTrust(program: Command): void {
  program
    .command("trust")
    .summary("say how to trust the certificates of Slipway's own CA")
    .description(
      "Say where the certificate of Slipway's own CA is, and how programs are told to trust it. The CA signs names that no " +
        "public authority does: those below localhost, and projects' domains where no ACME server is configured.",
    )
    .option("--install", "put it into this machine's store (Debian, Ubuntu); needs root")
    .action(trust);
}

async function trust({ install }: { install?: boolean }, command: Command): Promise<void> {
  // Slow to load, and no other command needs it.
  const { LocalCa, localCaPaths } = await import("../../../worker/certificates/localCa.ts");
  const output = outputOf(command);
  const dataDir = dataDirectory();
  const { fingerprint } = await LocalCa.open(dataDir, Date.now());
  const { certificate } = localCaPaths(dataDir);
  if (install) {
    await installInStore(certificate);
    output.say(
      "This machine's programs trust it. Browsers with a store of their own (Firefox) have to be told.",
    );
  }
  output.data({ certificate, fingerprint, installed: install === true }, () =>
    install ? certificate : howTo(certificate),
  );
}

async function installInStore(certificate: string): Promise<void> {
  try {
    await copyFile(certificate, STORE);
    await runCommand("update-ca-certificates", [], { deadlineMs: UPDATE_MS });
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "setup",
        message: `The certificate could not be put into this machine's store: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: "Do it as root, or by hand: slipway trust says how.",
      },
      { cause },
    );
  }
}

function howTo(path: string): string {
  const quoted = `'${path.replaceAll("'", "'\\''")}'`;
  return [
    path,
    "",
    "Debian, Ubuntu   slipway trust --install   (as root), or:",
    `                 sudo cp ${quoted} ${STORE} && sudo update-ca-certificates`,
    `Fedora           sudo cp ${quoted} /etc/pki/ca-trust/source/anchors/ && sudo update-ca-trust`,
    `macOS            sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${quoted}`,
    `Windows          certutil -addstore -f ROOT <the file>`,
    "Firefox          Settings → Privacy & Security → Certificates → View Certificates → Authorities → Import",
    `Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n slipway -i ${quoted}`,
    `curl             curl --cacert ${quoted} https://…`,
    `Node             NODE_EXTRA_CA_CERTS=${quoted} node …`,
    "",
    "Its key is beside it, readable by you alone: whoever has it could pose as any site to who trusts it.",
  ].join("\n");
}
