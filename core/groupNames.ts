import type { Attachment } from "./attachments.ts";
import { SlipwayError } from "./errors.ts";
import { servicesOf, type Manifest } from "./manifest.ts";

/** Names in a group: a service is on its project's network and on the group's, and each name may be known to one of them. */

/** What a project's own network answers to: its services and its attachments. */
export function networkNames(manifest: Manifest): Set<string> {
  return new Set([...Object.keys(servicesOf(manifest)), ...manifest.attachments.map(({ alias }) => alias)]);
}

/**
 * Two networks that both know a name answer at random.
 * @throws SlipwayError `bad_manifest` where an attachment of the group's is called as something of the project's is
 */
export function refuseGroupsNames(
  manifest: Manifest,
  group: { name: string; attachments: readonly Attachment[] },
): void {
  const own = networkNames(manifest);
  const twice = group.attachments.find(({ alias }) => own.has(alias));
  if (!twice) return;
  throw new SlipwayError({
    code: "bad_manifest",
    message: `"${twice.alias}" is a service or an attachment of the project's, and an attachment of the group ${group.name}.`,
    path: "group",
    hint: "Give one of them another name: {image: …, alias: …}.",
  });
}
