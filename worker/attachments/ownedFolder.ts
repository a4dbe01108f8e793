import { pack } from "tar-stream";

/** A tar with one empty folder that belongs to `user` (`uid:gid`) alone: unpacked over a volume's top, it owns that. */
export async function ownedFolder(path: string, user: string): Promise<Buffer> {
  const [uid, gid] = user.split(":").map(Number);
  const tar = pack();
  tar.entry({ name: path.replace(/^\//, ""), type: "directory", mode: 0o700, uid, gid });
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
