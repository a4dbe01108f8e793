import { fileURLToPath } from "node:url";
import type Docker from "dockerode";
import { SlipwayError } from "../../core/errors.ts";
import { dockerCallUnless } from "../engine/dockerCall.ts";
import { readFiles, type Files } from "../readFiles.ts";

/** nginx's static configuration and its Lua, as the repository has them. */
const CONFIGURATION = fileURLToPath(new URL("../../docker/nginx", import.meta.url));
const PARTS = [
  ...[
    "nginx.conf",
    "front.conf",
    "proxy.conf",
    "body-class.conf",
    "headers.conf",
    "dashboard.conf",
    "page.conf",
  ],
  ...["start.sh", "health.sh", "lua"],
];

export type SourceImage = {
  id: string;
  /** What a container is made from to be of that image: its name, or its id where the name is another one's by now. */
  reference: string;
};

/**
 * What a gateway is made from: nginx's configuration and an image. Both stay what they were when they were asked for first.
 * Where the repository or the image's name changes below a running worker, it would else make the gateway anew, in the
 * middle of requests, as one that its own code may not know. The next worker takes the new ones.
 */
export class GatewaySource {
  private readonly directory: string;
  private readFirst: Promise<Files> | null = null;
  private readonly ids = new Map<string, string>();

  constructor(directory = CONFIGURATION) {
    this.directory = directory;
  }

  async files(): Promise<Files> {
    this.readFirst ??= readFiles(this.directory, PARTS).catch((error: unknown) => {
      this.readFirst = null;
      throw error;
    });
    return await this.readFirst;
  }

  /** @throws SlipwayError `setup` where there is no such image, and none that had the name before */
  async image(docker: Docker, name: string): Promise<SourceImage> {
    const known = this.ids.get(name);
    const named = await imageId(docker, name);
    if (known !== undefined && known !== named && (await imageId(docker, known)) !== null) {
      return { id: known, reference: known };
    }
    if (named === null) {
      throw new SlipwayError({
        code: "setup",
        message: `The image ${name} is not on this machine.`,
        hint: "Build it: slipway up",
      });
    }
    this.ids.set(name, named);
    return { id: named, reference: name };
  }
}

/** Null: there is none. */
async function imageId(docker: Docker, image: string): Promise<string | null> {
  const found = await dockerCallUnless([404], `inspect the image ${image}`, () =>
    docker.getImage(image).inspect(),
  );
  return found?.Id ?? null;
}
