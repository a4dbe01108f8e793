import type Docker from "dockerode";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import type { AptWorkspace } from "./aptWorkspace.ts";
import type { ImageDefinition } from "./catalogue.ts";
import { makeMergedUsr, unpackDebs } from "./debs.ts";
import { configLines, finishingDockerfile } from "./dockerFiles.ts";
import { dressRootfs, writeIn } from "./dressRootfs.ts";
import { buildImage, buildingTag, importRootfs, removeImage } from "./engineImages.ts";
import { copyHostNode, hostNodePackages } from "./hostNode.ts";
import { ownFiles } from "./ownFiles.ts";
import { packRootfs } from "./rootfsTar.ts";

/** Makes an image out of the distribution's packages. @returns its temporary name. */
export async function buildFromDebian(
  docker: Docker,
  image: ImageDefinition,
  hash: string,
  apt: AptWorkspace,
  onLine: (line: string) => void,
): Promise<string> {
  const recipe = image.debian;
  if (!recipe) throw new Error(`${image.name} has no Debian recipe`);
  const folder = path.join(apt.folder, `image-${image.name}`);
  const root = path.join(folder, "root");
  try {
    await mkdir(root, { recursive: true });
    onLine("downloading packages");
    const extra = recipe.hostNode ? await hostNodePackages() : [];
    const debs = await apt.fetch([...recipe.packages, ...extra], onLine);
    await makeMergedUsr(root);
    await unpackDebs(debs, root, recipe.leftOut, (name) => onLine(`unpacking ${name}`));
    if (recipe.hostNode) {
      onLine("copying this machine's Node.js");
      await copyHostNode(root);
    }
    await dressRootfs(root);
    for (const [at, target] of Object.entries(recipe.links)) {
      await rm(path.join(root, at), { force: true });
      await symlink(target, path.join(root, at));
    }
    for (const [at, content] of Object.entries(recipe.files)) await writeIn(root, at, content);
    for (const file of ownFiles(image)) {
      const target = path.join(root, "opt/slipway", file.name);
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(file.source, target);
    }

    onLine("importing into the engine");
    const tar = path.join(folder, "root.tar");
    await packRootfs(root, tar);
    return await importAndFinish(docker, image, hash, tar, onLine);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importAndFinish(
  docker: Docker,
  image: ImageDefinition,
  hash: string,
  tar: string,
  onLine: (line: string) => void,
): Promise<string> {
  const imported = buildingTag(image.name);
  await importRootfs(docker, createReadStream(tar), imported, configLines(image, hash));
  if (!image.debian || image.debian.run.length === 0) return imported;
  const finished = buildingTag(`${image.name}-finished`);
  try {
    const dockerfile = finishingDockerfile(image, imported, hash);
    await buildImage(docker, finished, { dockerfile, network: false, onLine });
    return finished;
  } finally {
    await removeImage(docker, imported);
  }
}
