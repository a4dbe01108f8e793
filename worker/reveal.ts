import type { HiddenPart } from "../core/compose.ts";
import { SlipwayError } from "../core/errors.ts";
import type { Credentials } from "./attachments/credentials.ts";
import type { ContainerPlan } from "./engine/engine.ts";

/** The value of one piece of a hidden variable. */
export type Reveal = (part: HiddenPart) => Promise<string>;

/**
 * Puts hidden values into a container that is about to be made: the one place where they meet what is told to Docker.
 * @param opened a project's secrets by name
 */
export function revealer(opened: Readonly<Record<string, string>>, credentials: Credentials): Reveal {
  return async (part) => {
    if (typeof part === "string") return part;
    if ("credential" in part) return await credentials(part.credential);
    const value = opened[part.secret];
    if (value !== undefined) return value;
    throw new SlipwayError({
      code: "setup",
      message: `The secret ${part.secret} is wanted, and it was not opened.`,
      hint: "The worker tries again; if this stays, set it again: slipway secret set.",
    });
  };
}

/** `container` with the values of its hidden variables. */
export async function revealed(container: ContainerPlan, reveal: Reveal): Promise<ContainerPlan> {
  const hidden = Object.entries(container.hidden ?? {});
  if (hidden.length === 0) return container;
  const values = await Promise.all(
    hidden.map(async ([name, parts]) => {
      const pieces = await Promise.all(parts.map(reveal));
      return [name, pieces.join("")] as const;
    }),
  );
  return { ...container, environment: { ...container.environment, ...Object.fromEntries(values) } };
}

export const revealNothing: Reveal = async (part) => {
  if (typeof part === "string") return part;
  throw new Error("A hidden value is wanted where none can be had.");
};
