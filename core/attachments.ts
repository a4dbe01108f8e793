import * as z from "zod";
import { IMAGE, vCpus, vDisk, vMemory, vVariables } from "./manifestFields.ts";

/** What a project or a group attaches: databases, caches and other services that come as an image (docs/attachments.md). */

/** Enough for a small database; what a busy one needs, the manifest says. */
const DEFAULT_LIMITS = { memory: "512m", cpus: 1 } as const;
const MAX_ATTACHMENTS = 16;
const ALIAS = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const ALIAS_WORDS = "a name that services know it by: lower-case letters, digits and -, up to 32";

const vFields = z
  .strictObject({
    image: z.string().regex(IMAGE, "an image's name, like postgres:15"),
    /** The hostname under which services reach it. */
    alias: z.string().regex(ALIAS, ALIAS_WORDS).optional(),
    /** Variables of its own container, besides those that its definition sets. */
    env: vVariables.default({}),
    memory: vMemory.default(DEFAULT_LIMITS.memory),
    cpus: vCpus.default(DEFAULT_LIMITS.cpus),
    /** How much each of its volumes may hold; without it, as much as the disk has. */
    volume: vDisk.optional(),
    /** Whether it gets a port of the host, at 127.0.0.1. */
    publish: z.boolean({ error: "true or false" }).optional(),
  })
  .superRefine(({ image, alias }, context) => {
    if (alias !== undefined || ALIAS.test(aliasOf(image))) return;
    const message = `${ALIAS_WORDS}; the image's own name makes none`;
    context.addIssue({ code: "custom", path: ["alias"], message });
  })
  .transform(({ alias, ...fields }) => ({ ...fields, alias: alias ?? aliasOf(fields.image) }));

const vAttachment = z
  .union([z.string(), z.looseObject({})], { error: "an image like postgres:15, or {image: …, alias: …}" })
  .transform((written) => (typeof written === "string" ? { image: written } : written))
  .pipe(vFields);

export const vAttachments = z
  .array(vAttachment, { error: 'a list, like ["postgres:15", {image: "redis:7-alpine", alias: cache}]' })
  .max(MAX_ATTACHMENTS, `at most ${MAX_ATTACHMENTS} attachments`)
  .superRefine((all, context) => {
    for (const [index, { alias }] of all.entries()) {
      if (all.findIndex((other) => other.alias === alias) === index) continue;
      context.addIssue({
        code: "custom",
        path: [index, "alias"],
        message: `an alias of its own: another attachment is ${alias}`,
      });
    }
  });

export type Attachment = z.output<typeof vAttachment>;

/** `ghcr.io/acme/my_db:15` → `my-db` */
function aliasOf(image: string): string {
  const name = (image.split("/").at(-1) ?? image).split(/[:@]/)[0] ?? image;
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 32)
    .replace(/-+$/, "");
}
