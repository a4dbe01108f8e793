import type Docker from "dockerode";
import { commandsIn } from "./firewall/helper.ts";

/**
 * Runs a health check inside its container, now: Docker itself runs it first when a whole interval has passed.
 * @param test as Docker has it: `CMD` and a command's arguments, or `CMD-SHELL` and a line for the shell
 * @returns whether it passed
 * @throws EngineError where it cannot be run
 */
export type HealthCheck = (container: string, test: readonly string[]) => Promise<boolean>;

export function healthCheckBy(docker: Docker): HealthCheck {
  return async (container, [kind, ...rest]) => {
    const command = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : rest;
    const { exitCode } = await commandsIn(docker, docker.getContainer(container))(command);
    return exitCode === 0;
  };
}
