import type Docker from "dockerode";
import { SlipwayError } from "../../core/errors.ts";
import { withinDeadline } from "../setup/deadline.ts";

const PING_DEADLINE_MS = 4000;

/**
 * The Docker engine, after it has answered once. Installs and starts nothing: that is `slipway up`'s to do.
 * @throws SlipwayError `docker` where it does not answer
 */
export async function connectEngine(): Promise<Docker> {
  // Half of a command's start-up time, so only those that need it load it.
  const { default: Dockerode } = await import("dockerode");
  const docker = new Dockerode();
  try {
    await withinDeadline(docker.ping(), PING_DEADLINE_MS, "Docker's answer");
    return docker;
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "docker",
        message: "The Docker engine does not answer.",
        hint: "Start it (systemctl start docker), or run `slipway up`, which starts it where it can.",
      },
      { cause },
    );
  }
}
