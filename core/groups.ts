import { z } from "zod";
import { randomId, SLUG, MAX_SLUG_LENGTH } from "./naming.ts";
import { SlipwayError } from "./errors.ts";

/** Groups: named sets of projects that share one network for each kind of environment, and the group's attachments. */

/** Every member is looked at when one comes or goes. */
export const MAX_GROUP_MEMBERS = 50;

/** The name that a group has in Docker: `group_<ms since 1970>_<8 random characters>`. */
export function makeGroupNamespace(nowMs: number, random: () => number): string {
  return `group_${Math.floor(nowMs)}_${randomId(8, random)}`;
}

export const vGroupName = z
  .string()
  .max(MAX_SLUG_LENGTH, `at most ${MAX_SLUG_LENGTH} characters`)
  .regex(SLUG, "a group's name: lower-case letters, digits and -");

const vImage = z.string().regex(/^[a-z0-9][a-z0-9._/:@-]{0,254}$/i, "an image's name, like postgres:15");
const vAlias = z.string().regex(/^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "a name that services know it by");

const vGroupAttachments = z
  .array(
    z.union([
      vImage.transform((image) => ({ image, alias: aliasOf(image) })),
      z
        .strictObject({ image: vImage, alias: vAlias.optional() })
        .transform(({ image, alias }) => ({ image, alias: alias ?? aliasOf(image) })),
    ]),
  )
  .max(16, "at most 16 attachments")
  .refine((all) => new Set(all.map((one) => one.alias)).size === all.length, "an alias of its own for each");

export type GroupAttachment = { image: string; alias: string };

/**
 * A group's attachments as a user wrote them, each an image or an image with an alias, as images with aliases.
 * @throws SlipwayError `bad_manifest`
 */
export function parseGroupAttachments(input: unknown): GroupAttachment[] {
  const parsed = vGroupAttachments.safeParse(input ?? []);
  if (parsed.success) return parsed.data;
  const path = ["attachments", ...(parsed.error.issues[0]?.path ?? [])].join(".");
  throw new SlipwayError({
    code: "bad_manifest",
    message: `The attachments are refused: ${path}: expected ${parsed.error.issues[0]?.message ?? "a list"}.`,
    path,
    hint: 'Give a list like ["postgres:15", {"image": "redis:7-alpine", "alias": "cache"}].',
  });
}

/** `ghcr.io/acme/my_db:15` → `my-db` */
function aliasOf(image: string): string {
  const name = (image.split("/").at(-1) ?? image).split(/[:@]/)[0] ?? image;
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32);
}
