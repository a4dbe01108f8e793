import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";
import type { Starters } from "../starters.ts";

/** Path below the volume's top → content. */
export type Files = Map<string, string>;

const FIRST = ".first";
const LAST = ".last";

/** A starter has two files, so that it can be there by half. */
export const STARTERS: Starters = {
  tar: async (stack, folder) => {
    const below = folder === "." ? "" : `${folder}/`;
    return await tarOf(
      new Map([
        [`${below}${FIRST}`, stack],
        [`${below}${LAST}`, stack],
      ]),
    );
  },
};

/** How many starters there are, wholly and by half. */
export function startersIn(files: Files): { whole: number; half: number } {
  const firsts = [...files.keys()].filter((path) => path.endsWith(FIRST));
  const whole = firsts.filter((path) => files.has(`${path.slice(0, -FIRST.length)}${LAST}`)).length;
  return { whole, half: firsts.length - whole };
}

/** As Docker packs the folder `/workspace`. */
export async function tarOf(files: Files): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "workspace/", type: "directory", mode: 0o755, uid: 1000, gid: 1000 });
  for (const [path, content] of files) {
    tar.entry({ name: `workspace/${path}`, mode: 0o644, uid: 1000, gid: 1000 }, content);
  }
  tar.finalize();
  return await buffer(tar);
}

/** What a tar of the workspace holds. */
export async function filesOf(tar: Readable | Buffer): Promise<Files> {
  const files: Files = new Map();
  const entries = extract();
  const source = Buffer.isBuffer(tar) ? Readable.from([tar]) : tar;
  const ended = new Promise<void>((resolve, reject) => {
    entries.on("entry", (header, stream, next) => {
      void buffer(stream).then((content) => {
        if (header.type === "file")
          files.set(header.name.replace(/^workspace\//, ""), content.toString("utf8"));
        next();
      }, next);
    });
    entries.on("finish", resolve);
    entries.on("error", reject);
    source.on("error", reject);
    source.on("close", () => reject(new Error("The tar ended in its middle.")));
  });
  source.pipe(entries as unknown as NodeJS.WritableStream);
  await ended;
  return files;
}
