/** What can go wrong with a file, with the HTTP status and the code that Convex's server would answer with. */
export type FileErrorCode =
  | "InvalidStoragePath"
  | "StorageTokenInvalid"
  | "StorageTokenExpired"
  | "Sha256Mismatch"
  | "FileTooLarge"
  | "FileNotFound"
  | "BadHeader"
  | "UploadAborted";

const STATUS: Record<FileErrorCode, number> = {
  InvalidStoragePath: 400,
  StorageTokenInvalid: 401,
  StorageTokenExpired: 401,
  Sha256Mismatch: 400,
  FileTooLarge: 413,
  FileNotFound: 404,
  BadHeader: 400,
  UploadAborted: 400,
};

export class FileError extends Error {
  override readonly name = "FileError";
  readonly status: number;
  constructor(
    readonly code: FileErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = STATUS[code];
  }
}
