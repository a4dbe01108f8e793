/** Brings the stored files of an import onto the disk, before the transaction that makes them visible. */
import type { FileStore } from "../files/fileStore.ts";
import { parseSha256 } from "../files/fileStore.ts";
import type { WrittenBlob } from "../files/blobFolder.ts";
import type { ImportFileMetadata, ImportStorage } from "./parsedImport.ts";

export interface StagedFile {
  readonly id: string;
  readonly blob: WrittenBlob;
  readonly metadata: ImportFileMetadata | null;
}

export interface StagedFiles {
  readonly files: readonly StagedFile[];
  /** Removes the blobs again, when the import has failed. */
  discard(): Promise<void>;
}

/** Writes every file as a blob of its own. @throws FileError for one that is too large or damaged */
export async function stageFiles(
  store: FileStore,
  storage: ImportStorage,
  assertRunning: () => void,
): Promise<StagedFiles> {
  const files: StagedFile[] = [];
  const discard = async (): Promise<void> => {
    for (const { blob } of files) await store.blobs.remove(blob.name);
  };
  try {
    const metadata = await storage.metadata();
    for (const file of storage.files) {
      assertRunning();
      const known = metadata.get(file.id) ?? null;
      const sha256 = known?.sha256 == null ? null : parseSha256(known.sha256);
      const blob = await store.blobs.write(await file.open(), { maxBytes: store.maxFileBytes, sha256 });
      files.push({ id: file.id, blob, metadata: known });
    }
    return { files, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}
