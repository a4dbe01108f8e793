import { createWriteStream } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../setup/command.ts";

const UNPACK_DEADLINE_MS = 60_000;

/** What no container reads: manuals, translations, package-manager files, character sets beyond the usual ones. */
const LEFT_OUT = [
  "./usr/share/doc",
  "./usr/share/man",
  "./usr/share/info",
  "./usr/share/lintian",
  "./usr/share/bug",
  "./usr/share/locale",
  "./usr/share/bash-completion",
  "./usr/share/debconf",
  "./usr/share/gcc",
  "./usr/share/perl5",
  "./usr/share/zoneinfo/right",
  "./usr/share/zoneinfo/posix",
  "./usr/lib/*/gconv",
  "./usr/lib/*/libmvec.so*",
  "./usr/lib/systemd",
  "./lib/systemd",
  "./etc/init.d",
  "./etc/logrotate.d",
  "./etc/cron.daily",
];

/** The merged-/usr layout of today's Debian and Ubuntu, which their packages expect to find. */
export async function makeMergedUsr(root: string): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await mkdir(path.join(root, "usr", name), { recursive: true });
    await symlink(`usr/${name}`, path.join(root, name));
  }
}

/** Unpacks `.deb` files over each other into `root`, without running anything of theirs. */
export async function unpackDebs(
  debs: readonly string[],
  root: string,
  leftOut: readonly string[],
  onFile: (name: string) => void,
): Promise<void> {
  const exclude = [...LEFT_OUT, ...leftOut].map((pattern) => `--exclude=${pattern}`);
  const tar = `${root}.deb.tar`;
  for (const deb of debs) {
    onFile(path.basename(deb));
    const stdout = createWriteStream(tar);
    await runCommand("dpkg-deb", ["--fsys-tarfile", deb], { deadlineMs: UNPACK_DEADLINE_MS, stdout });
    const args = ["-x", "-f", tar, "-C", root, "--keep-directory-symlink", "--no-same-owner", ...exclude];
    await runCommand("tar", args, { deadlineMs: UNPACK_DEADLINE_MS });
  }
  await rm(tar, { force: true });
}
