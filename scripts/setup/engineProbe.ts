import { existsSync } from "node:fs";
import { access, constants, readFile } from "node:fs/promises";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import Docker from "dockerode";
import { isErrorCode } from "./dataDir.ts";
import type { EngineProbe } from "./engineDecision.ts";
import { withinDeadline } from "./deadline.ts";

export const DEFAULT_SOCKET = "/var/run/docker.sock";
const PING_DEADLINE_MS = 5_000;

/** Sockets of engines that a user may run for themselves: rootless, and Docker Desktop's. */
const userSockets = (): string[] => [
  ...(process.env["XDG_RUNTIME_DIR"] ? [path.join(process.env["XDG_RUNTIME_DIR"], "docker.sock")] : []),
  path.join(os.homedir(), ".docker/run/docker.sock"),
];

/** Looks at the engine and at this machine, and changes neither. */
export async function probeEngine(): Promise<EngineProbe> {
  const given = process.env["DOCKER_HOST"];
  const machine = {
    addressGiven: Boolean(given),
    daemonInstalled: (await findProgram("dockerd")) !== undefined,
    isRoot: process.getuid?.() === 0,
    platform: process.platform,
    distribution: await distributionNames(),
    systemd: existsSync("/run/systemd/system"),
    user: os.userInfo().username,
  };
  if (given) return { ...machine, address: given, answer: await pingGiven() };
  const answer = await pingSocket(DEFAULT_SOCKET);
  if (answer !== "absent" && answer !== "refused") return { ...machine, address: DEFAULT_SOCKET, answer };
  for (const socket of userSockets()) {
    if ((await pingSocket(socket)) === "ok") return { ...machine, address: socket, answer: "ok" };
  }
  return { ...machine, address: DEFAULT_SOCKET, answer };
}

/** Asks the engine that listens on a Unix socket whether it is there. */
export function pingSocket(socketPath: string): Promise<EngineProbe["answer"]> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: "/_ping", timeout: PING_DEADLINE_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? "ok" : "silent");
    });
    request.on("timeout", () => {
      resolve("silent");
      request.destroy();
    });
    request.on("error", (error) => resolve(answerOf(error)));
  });
}

/** An address in DOCKER_HOST may be a URL with certificates, which dockerode knows to read. */
async function pingGiven(): Promise<EngineProbe["answer"]> {
  try {
    await withinDeadline(new Docker().ping(), PING_DEADLINE_MS, "The engine's answer");
    return "ok";
  } catch (error) {
    return answerOf(error);
  }
}

function answerOf(error: unknown): EngineProbe["answer"] {
  if (isErrorCode(error, "EACCES") || isErrorCode(error, "EPERM")) return "permission";
  if (isErrorCode(error, "ENOENT") || isErrorCode(error, "ENOTFOUND")) return "absent";
  if (isErrorCode(error, "ECONNREFUSED")) return "refused";
  return "silent";
}

/** Where a program is, on PATH or where an administrator's programs are; undefined when it is not here. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  for (const folder of new Set(folders.filter(Boolean))) {
    const file = path.join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

async function distributionNames(): Promise<string[]> {
  return namesInOsRelease(await readFile("/etc/os-release", "utf8").catch(() => ""));
}

/** ID and ID_LIKE: `["ubuntu", "debian"]`. */
export function namesInOsRelease(text: string): string[] {
  return [...text.matchAll(/^(?:ID|ID_LIKE)=["']?([^"'\n]*)["']?$/gm)].flatMap(([, names = ""]) =>
    names.split(/\s+/).filter(Boolean),
  );
}
