/** What is wrong with an import or an export, with the code and HTTP status that the CLI sees. */
export class TransferError extends Error {
  override readonly name = "TransferError";
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
