import type Docker from "dockerode";
import { pause, realClock } from "./clock.ts";
import { commandsIn } from "./firewall/helper.ts";

/**
 * Runs a health check inside its container, now: Docker itself runs it first when a whole interval has passed.
 * @param test as Docker has it: `CMD` and a command's arguments, or `CMD-SHELL` and a line for the shell
 * @returns whether it passed
 * @throws EngineError where it cannot be run
 */
export type HealthCheck = (container: string, test: readonly string[]) => Promise<boolean>;

/** Longer than that nobody's check keeps another one waiting. */
const LONGEST_TURN_MS = 2_000;

/**
 * One check after another, and after one that failed a rest of the same length: to start a command costs the engine more
 * than many databases that start up at once can spare, and each check would put off what it waits for.
 */
export function healthCheckBy(docker: Docker): HealthCheck {
  let turn: Promise<unknown> = Promise.resolve();
  return async (container, test) => {
    const before = turn;
    const checked = before.then(async () => await run(docker, container, test));
    const over = checked.then(
      ({ passed, tookMs }) => (passed ? undefined : pause(realClock, tookMs)),
      () => undefined,
    );
    turn = before.then(() => Promise.race([over, pause(realClock, LONGEST_TURN_MS)]));
    return (await checked).passed;
  };
}

async function run(docker: Docker, container: string, [kind, ...rest]: readonly string[]) {
  const began = realClock.elapsed();
  const command = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : rest;
  const { exitCode } = await commandsIn(docker, docker.getContainer(container))(command);
  return { passed: exitCode === 0, tookMs: realClock.elapsed() - began };
}
