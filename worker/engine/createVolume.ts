import type Docker from "dockerode";
import * as z from "zod";

const vVolume = z.looseObject({ Labels: z.record(z.string(), z.string()).nullish() });

export type VolumeOptions = {
  Name: string;
  Labels: Record<string, string>;
  DriverOpts?: Record<string, string>;
};

/**
 * Has the engine make a volume. Its client keeps to itself what the engine says of it, and asking again is another call.
 * @returns the labels of the volume that has the name now: of an earlier one where there was one
 */
export async function createVolume(
  docker: Docker,
  options: VolumeOptions,
  abortSignal: AbortSignal,
): Promise<Record<string, string>> {
  const modem = docker.modem as Modem;
  const answer = await new Promise<unknown>((resolve, reject) => {
    modem.dial(
      {
        ...{ path: "/volumes/create", method: "POST", options, abortSignal },
        statusCodes: { 200: true, 201: true, 500: "server error" },
      },
      (error, found) => (error ? reject(error) : resolve(found)),
    );
  });
  // The engine says null where there are none.
  return vVolume.parse(answer).Labels ?? {};
}

/** The part of docker-modem that its types leave open. */
type Modem = {
  dial(
    request: {
      path: string;
      method: string;
      options: VolumeOptions;
      abortSignal: AbortSignal;
      statusCodes: Record<number, true | string>;
    },
    answered: (error: Error | null, found: unknown) => void,
  ): void;
};
