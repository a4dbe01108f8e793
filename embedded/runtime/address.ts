/** How a function names another one to run: by path or by handle; a component's reference is refused. */
import * as z from "zod";

export const vAddress = z.looseObject({
  name: z.string().nullish(),
  reference: z.string().nullish(),
  functionHandle: z.string().nullish(),
});

const HANDLE_PREFIX = "function://;";

/** The handle that stands for a function's path. */
export const toHandle = (path: string): string => HANDLE_PREFIX + path;

/** The path that an address means. @throws Error for a component's function or an unknown form. */
export function pathOf(address: z.infer<typeof vAddress>): string {
  if (typeof address.name === "string") return address.name;
  if (typeof address.functionHandle === "string") {
    if (address.functionHandle.startsWith(HANDLE_PREFIX))
      return address.functionHandle.slice(HANDLE_PREFIX.length);
    throw new Error(`Invalid function handle "${address.functionHandle.slice(0, 100)}"`);
  }
  if (typeof address.reference === "string") {
    throw new Error(
      `Cannot call "${address.reference.slice(0, 100)}": components are not supported by this backend.`,
    );
  }
  throw new Error("The call names no function.");
}
