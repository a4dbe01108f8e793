import type Docker from "dockerode";
import { isAlive } from "./scratch.ts";
import { statusOf } from "./engineImages.ts";

const VERIFY_DEADLINE_MS = 60_000;
const CHECK_LABEL = "slipway.image-check";

/**
 * Runs a command in an image as uid 1000 on a read-only root without capabilities or network.
 * @throws Error with the command's output when it fails.
 */
export async function verifyImage(docker: Docker, image: string, command: readonly string[]): Promise<void> {
  const abortSignal = AbortSignal.timeout(VERIFY_DEADLINE_MS);
  const container = await docker.createContainer({
    Image: image,
    Cmd: [...command],
    User: "1000:1000",
    Labels: { [CHECK_LABEL]: String(process.pid) },
    NetworkDisabled: true,
    HostConfig: {
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Tmpfs: { "/tmp": "rw,noexec,nosuid,size=64m" },
      Memory: 512 * 1024 * 1024,
    },
    abortSignal,
  });
  try {
    await container.start({ abortSignal });
    const ended: unknown = await container.wait({ abortSignal });
    if (exitCodeOf(ended) === 0) return;
    const logs = await container.logs({ stdout: true, stderr: true, tail: 20, abortSignal });
    throw new Error(`${command.join(" ")} failed inside the image: ${printable(logs.toString("utf8"))}`);
  } finally {
    await removeContainer(docker, container.id);
  }
}

/** Removes the containers of checks whose process was killed. */
export async function sweepChecks(docker: Docker): Promise<void> {
  const abortSignal = AbortSignal.timeout(VERIFY_DEADLINE_MS);
  const found = await docker.listContainers({ all: true, filters: { label: [CHECK_LABEL] }, abortSignal });
  for (const container of found) {
    if (!isAlive(Number(container.Labels[CHECK_LABEL]))) await removeContainer(docker, container.Id);
  }
}

async function removeContainer(docker: Docker, id: string): Promise<void> {
  try {
    const abortSignal = AbortSignal.timeout(VERIFY_DEADLINE_MS);
    await docker.getContainer(id).remove({ force: true, v: true, abortSignal });
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

function exitCodeOf(ended: unknown): number {
  return typeof ended === "object" && ended !== null && "StatusCode" in ended ? Number(ended.StatusCode) : -1;
}

/** The engine puts eight bytes before each piece of output. */

const printable = (text: string): string => text.replace(/[\u0000-\u0009\u000b-\u001f\ufffd]+/g, " ").trim();
