import { readFile } from "node:fs/promises";
import { load, YAMLException } from "js-yaml";
import { SlipwayError } from "../../../core/errors.ts";
import { isErrorCode } from "../../setup/dataDir.ts";

const MAX_BYTES = 256 * 1024;

/**
 * What `path` holds, parsed from YAML and not checked further.
 * @throws SlipwayError `bad_manifest` where the file is missing, too large or no YAML, with the line and column
 */
export async function readManifestFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const why = isErrorCode(cause, "ENOENT") ? "There is no such file" : "It cannot be read";
    throw new SlipwayError(
      {
        code: "bad_manifest",
        message: `The manifest ${path} is not usable: ${why}.`,
        hint: "Name another one with --file.",
      },
      { cause },
    );
  }
  if (text.length > MAX_BYTES) {
    throw new SlipwayError({
      code: "bad_manifest",
      message: `The manifest ${path} has ${text.length} characters; at most ${MAX_BYTES} are read.`,
      hint: "Name another one with --file.",
    });
  }
  try {
    return load(text);
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const at = cause.mark ? ` at line ${cause.mark.line + 1}, column ${cause.mark.column + 1}` : "";
    throw new SlipwayError(
      {
        code: "bad_manifest",
        message: `The manifest ${path} is no YAML${at}: ${cause.reason}.`,
        hint: "Correct it and try again; nothing was changed.",
      },
      { cause },
    );
  }
}
