import type Docker from "dockerode";
import { pause, realClock, type Clock } from "./clock.ts";
import { commandsIn } from "./engine/commandsIn.ts";

/**
 * Runs a health check inside its container, now: Docker itself runs it first when a whole interval has passed.
 * @param test as Docker has it: `CMD` and a command's arguments, or `CMD-SHELL` and a line for the shell
 * @returns whether it passed
 * @throws EngineError where it cannot be run
 */
export type HealthCheck = (container: string, test: readonly string[]) => Promise<boolean>;

/** Longer than that nobody's check keeps another one waiting. */
const LONGEST_TURN_MS = 2_000;

export function healthCheckBy(docker: Docker): HealthCheck {
  return inTurns(async (container, [kind, ...rest]) => {
    const command = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...rest] : rest;
    const { exitCode } = await commandsIn(docker, docker.getContainer(container))(command);
    return exitCode === 0;
  }, realClock);
}

/**
 * One check after another, and after one that failed a rest of the same length: to start a command costs the engine more
 * than many databases that start up at once can spare, and each check would put off what it waits for.
 */
export function inTurns(check: HealthCheck, clock: Clock): HealthCheck {
  let turn: Promise<unknown> = Promise.resolve();
  return async (container, test) => {
    const before = turn;
    const checked = before.then(async () => {
      const began = clock.elapsed();
      const passed = await check(container, test);
      return { passed, restMs: passed ? 0 : clock.elapsed() - began };
    });
    const over = checked.then(
      ({ restMs }) => pause(clock, restMs),
      () => undefined,
    );
    turn = before.then(() => Promise.race([over, pause(clock, LONGEST_TURN_MS)]));
    return (await checked).passed;
  };
}
