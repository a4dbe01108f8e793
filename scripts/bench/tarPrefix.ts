import { extract, pack } from "tar-stream";

/** The same tar with every name below `prefix` made relative to it; the folder itself becomes `./`. */
export async function withoutPrefix(tar: Buffer, prefix: string): Promise<Buffer> {
  const reading = extract();
  const writing = pack();
  reading.end(tar);
  const chunks: Buffer[] = [];
  const written = (async () => {
    for await (const chunk of writing) chunks.push(chunk as Buffer);
  })();
  for await (const entry of reading) {
    const content: Buffer[] = [];
    for await (const chunk of entry) content.push(chunk as Buffer);
    const name = entry.header.name.replace(prefix, ".");
    writing.entry({ ...entry.header, name }, Buffer.concat(content));
  }
  writing.finalize();
  await written;
  return Buffer.concat(chunks);
}
