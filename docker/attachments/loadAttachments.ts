import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAttachmentDefinition, type AttachmentDefinitions } from "../../core/attachment.ts";

export const ATTACHMENTS_FOLDER = dirname(fileURLToPath(import.meta.url));

/**
 * Every kind of attachment that this checkout knows, by name.
 * @throws SlipwayError `setup` where a file is damaged
 */
export function loadAttachments(folder = ATTACHMENTS_FOLDER): AttachmentDefinitions {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  return Object.fromEntries(
    files.sort().map((file) => {
      const definition = parseAttachmentDefinition(
        readFileSync(join(folder, file), "utf8"),
        join(folder, file),
      );
      return [definition.name, definition];
    }),
  );
}
