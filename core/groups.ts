import * as z from "zod";
import { vAttachments, type Attachment } from "./attachments.ts";
import { randomId, SLUG, MAX_SLUG_LENGTH } from "./naming.ts";
import { SlipwayError } from "./errors.ts";

/** Groups: named sets of projects that share one network for each kind of environment, and the group's attachments. */

/** Every member is looked at when one comes or goes. */
export const MAX_GROUP_MEMBERS = 50;

/** The name that a group has in Docker: `group_<ms since 1970>_<8 random characters>`. */
export function makeGroupNamespace(nowMs: number, random: () => number): string {
  return `group_${Math.floor(nowMs)}_${randomId(8, random)}`;
}

export const GROUP_NAMESPACE = /^group_\d{10,16}_[a-z0-9]{4,16}$/;

export const vGroupName = z
  .string()
  .max(MAX_SLUG_LENGTH, `at most ${MAX_SLUG_LENGTH} characters`)
  .regex(SLUG, "a group's name: lower-case letters, digits and -");

/** A host port belongs to a project's environment, and a group has none. */
const vGroupAttachments = vAttachments.superRefine((all, context) => {
  for (const [index, { publish }] of all.entries()) {
    if (!publish) continue;
    const message = "no publish: only a project's own attachment gets a host port";
    context.addIssue({ code: "custom", path: [index, "publish"], message });
  }
});

export type GroupAttachment = Attachment;

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
