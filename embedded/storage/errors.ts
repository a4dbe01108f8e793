/** Reasons why a database file is refused; each message says what to do next. The file is never changed. */
export type RefusalCode = "in-use" | "corrupted" | "newer-format" | "not-ours" | "unreadable";

export class DatabaseRefusedError extends Error {
  override readonly name = "DatabaseRefusedError";
  constructor(
    readonly code: RefusalCode,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
