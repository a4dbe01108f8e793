import type { Source } from "../../core/source.ts";
import { startOf } from "../../core/text.ts";

/** How git is called: pure, so that what it is told can be read in a test. */

export type GitSource = Extract<Source, { kind: "git" }>;
export type GitCall = { args: string[]; env: Record<string, string> };

/** Seconds in which less than 1 kB/s came after which git itself gives up. */
const LOW_SPEED_S = 30;

/**
 * The calls that bring the one commit of `source` into the empty folder `work`, in order. They use no configuration of
 * the machine's or of the user's, run no hook, speak no protocol but the source's own, and never ask at a terminal.
 * @param home an empty folder, git's HOME
 * @param secrets GIT_TOKEN, GIT_USERNAME: they go in by the environment, and to the source's own host alone
 * @param keyFile a private key for ssh
 */
export function gitCalls(
  source: GitSource,
  { work, home, secrets, keyFile }: GitPlace,
): { init: GitCall; fetch: GitCall; checkout: GitCall } {
  const { GIT_TOKEN: token, GIT_USERNAME: user } = secrets;
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    HOME: home,
    LC_ALL: "C.UTF-8",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_LFS_SKIP_SMUDGE: "1",
    ...proxyVariables(),
  };
  const settings = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "gc.auto=0",
    "submodule.recurse=false",
    "fetch.fsckObjects=true",
    "protocol.allow=never",
    `protocol.${source.scheme}.allow=always`,
    "http.followRedirects=initial",
    `http.lowSpeedLimit=1000`,
    `http.lowSpeedTime=${LOW_SPEED_S}`,
    "credential.helper=",
  ];
  const fetchEnv = { ...env };
  if (source.scheme === "ssh") fetchEnv.GIT_SSH_COMMAND = sshCommand(home, keyFile);
  else if (token !== undefined) {
    // The shell that git runs this in finds the names here and the values in its environment.
    settings.push(`credential.${new URL(source.url).origin}.helper=${HELPER}`);
    fetchEnv.SLIPWAY_GIT_USERNAME = user ?? "x-access-token";
    fetchEnv.SLIPWAY_GIT_TOKEN = token;
  }
  const git = [...settings.flatMap((setting) => ["-c", setting]), "-C", work];
  return {
    init: { args: [...git, "init", "--quiet", "--template="], env },
    fetch: {
      args: [
        ...[...git, "fetch", "--depth=1", "--no-tags", "--no-recurse-submodules", "--progress"],
        ...["--", source.url, source.ref ?? "HEAD"],
      ],
      env: fetchEnv,
    },
    checkout: { args: [...git, "checkout", "--quiet", "--detach", "FETCH_HEAD", "--"], env },
  };
}

export type GitPlace = {
  work: string;
  home: string;
  secrets: Readonly<Record<string, string>>;
  keyFile: string | null;
};

/** git adds a word of its own to the command, which the function leaves aside. */
const HELPER = `!f() { printf 'username=%s\\npassword=%s\\n' "$SLIPWAY_GIT_USERNAME" "$SLIPWAY_GIT_TOKEN"; }; f`;

/** A host whose key the machine knows must show that one; another's is taken as it is seen first. */
function sshCommand(home: string, keyFile: string | null): string {
  const options = [
    "BatchMode=yes",
    "ConnectTimeout=20",
    "StrictHostKeyChecking=accept-new",
    `UserKnownHostsFile=${home}/known_hosts`,
    "IdentityAgent=none",
    "IdentitiesOnly=yes",
    ...(keyFile === null ? [] : [`IdentityFile=${keyFile}`]),
  ];
  return ["ssh", "-F", "/dev/null", ...options.flatMap((option) => ["-o", `'${option}'`])].join(" ");
}

/** Machines behind a proxy say so by these; git's library reads them. */
function proxyVariables(): Record<string, string> {
  const names = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

/** What git said, on one line, with nothing in it that `secrets` hold and no password of a URL. */
export function gitSaid(text: string, secrets: readonly string[]): string {
  const hidden = secrets
    .filter((secret) => secret.length >= 4)
    .reduce((shown, secret) => shown.replaceAll(secret, "…"), text);
  const lines = hidden
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => /^(fatal|error|remote|ssh|Host|Permission|warning)/i.test(line));
  const said = lines.length > 0 ? lines : hidden.split(/[\r\n]+/).filter((line) => line.trim() !== "");
  const clean = said
    .slice(-4)
    .join(" | ")
    .replace(/[\u0000-\u001f\u007f]/g, " ");
  return startOf(clean.replace(/\/\/[^/\s@]*@/g, "//…@"), 500);
}
