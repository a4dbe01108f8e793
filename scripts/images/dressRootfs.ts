import { chmod, copyFile, lstat, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../setup/command.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/workspace:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;
const GROUP = `root:x:0:
adm:x:4:
tty:x:5:
app:x:1000:
nogroup:x:65534:
`;
const NSSWITCH = `passwd: files
group: files
hosts: files dns
services: files
protocols: files
`;
const MACHINE_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** What the packages' own scripts would have made: users, applets of busybox, the bundle of certificates. */
export async function dressRootfs(root: string): Promise<void> {
  await writeIn(root, "/etc/passwd", PASSWD);
  await writeIn(root, "/etc/group", GROUP);
  await writeIn(root, "/etc/nsswitch.conf", NSSWITCH);
  for (const folder of ["root", "workspace", "var/lib", "var/log", "run"]) {
    await mkdir(path.join(root, folder), { recursive: true });
  }
  await mkdir(path.join(root, "tmp"), { recursive: true });
  await chmod(path.join(root, "tmp"), 0o1777);
  if (!(await exists(path.join(root, "var/run")))) await symlink("/run", path.join(root, "var/run"));
  await copyFile("/etc/os-release", path.join(root, "etc/os-release")).catch(() => {});
  await linkApplets(root);
  await bundleCertificates(root);
}

/** Writes `content` at an absolute path inside `root`. */
export async function writeIn(root: string, at: string, content: string, mode = 0o644): Promise<void> {
  const target = path.join(root, at);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content, { mode });
}

async function linkApplets(root: string): Promise<void> {
  const busybox = path.join(root, "usr/bin/busybox");
  if (!(await exists(busybox))) return;
  const { stdout } = await runCommand(busybox, ["--list"], { deadlineMs: 10_000 });
  for (const applet of stdout.split("\n").filter((name) => /^[\w.[-]+$/.test(name) && name !== "busybox")) {
    const taken = await Promise.all(
      ["usr/bin", "usr/sbin"].map((folder) => exists(path.join(root, folder, applet))),
    );
    if (!taken.includes(true)) await symlink("busybox", path.join(root, "usr/bin", applet));
  }
}

/** The machine's bundle, so that a container trusts what its machine trusts; the package's own list without one. */
async function bundleCertificates(root: string): Promise<void> {
  const folder = path.join(root, "usr/share/ca-certificates/mozilla");
  const machine = await readFile(MACHINE_CERTIFICATES, "utf8").catch(() => "");
  const packaged = await readdir(folder).catch(() => []);
  if (machine === "" && packaged.length === 0) return;
  const bundle =
    machine !== ""
      ? machine
      : (await Promise.all(packaged.map((name) => readFile(path.join(folder, name), "utf8")))).join("");
  await writeIn(root, "/etc/ssl/certs/ca-certificates.crt", bundle);
}

/** Also true for a link whose target is missing here, because it is absolute. */
async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
