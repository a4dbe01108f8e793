import type Docker from "dockerode";
import * as z from "zod";
import { wantedImages } from "../../docker/images/wantedImages.ts";
import { READ_DEADLINE_MS } from "../engine/deadline.ts";
import { dockerCall, dockerCallUnless } from "../engine/dockerCall.ts";
import { failed, NO_ENGINE, ok, skipped, warning, type Check, type Finding } from "./check.ts";

/** Checks of the Docker engine and of what Slipway needs in it. */

const LEAST_ENGINE = [20, 10] as const;
const vVersion = z.object({ Version: z.string(), ApiVersion: z.string() });
const vInfo = z.object({ NCPU: z.number(), MemTotal: z.number() });

export function engineChecks(docker: Docker | null, why: string): Check[] {
  return [
    { title: "Docker engine", run: async () => await engine(docker, why) },
    { title: "images", run: async () => await images(docker) },
  ];
}

async function engine(docker: Docker | null, why: string): Promise<Finding> {
  if (!docker)
    return failed(why, "Start it: systemctl start docker (or `slipway up`, which starts it where it can).");
  const [version, info] = await Promise.all([
    dockerCall("say its version", async () => (await docker.version()) as unknown, READ_DEADLINE_MS),
    dockerCall("say what it has", async () => (await docker.info()) as unknown, READ_DEADLINE_MS),
  ]);
  const { Version, ApiVersion } = vVersion.parse(version);
  const { NCPU, MemTotal } = vInfo.parse(info);
  const [major = 0, minor = 0] = Version.split(".").map(Number);
  if (major < LEAST_ENGINE[0] || (major === LEAST_ENGINE[0] && minor < LEAST_ENGINE[1])) {
    return failed(`${Version} is too old`, `Install Docker ${LEAST_ENGINE.join(".")} or newer.`);
  }
  return ok(`${Version}, API ${ApiVersion}, ${NCPU} CPUs, ${(MemTotal / 1024 ** 3).toFixed(1)} GiB`);
}

async function images(docker: Docker | null): Promise<Finding> {
  if (!docker) return skipped(NO_ENGINE);
  const wanted = wantedImages();
  const there = await Promise.all(wanted.map(async (tag) => await isThere(docker, tag)));
  const missing = wanted.filter((_, index) => !there[index]);
  if (missing.length === 0) return ok(`all ${wanted.length} are there`);
  return warning(`missing: ${missing.join(", ")}`, "slipway up makes them.");
}

async function isThere(docker: Docker, tag: string): Promise<boolean> {
  const found = await dockerCallUnless([404], `look at ${tag}`, () => docker.getImage(tag).inspect());
  return found !== undefined;
}
