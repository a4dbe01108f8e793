/** `convex.config.ts`: an app may have one as long as it declares nothing that this backend does not have. */
import * as z from "zod";
import { PushError } from "../runtime/schema.ts";

/** What `defineApp()` makes, as far as it is looked at. */
const vApp = z.looseObject({
  _isRoot: z.literal(true),
  _childComponents: z.array(z.tuple([z.string()]).rest(z.unknown())),
  _httpPrefix: z.string().optional(),
  _env: z.record(z.string(), z.unknown()).optional(),
});

/** @throws PushError that names what is not supported. */
export function refuseUnsupported(defaultExport: unknown): void {
  const parsed = vApp.safeParse(defaultExport);
  if (!parsed.success) throw new PushError("convex.config.ts must have `export default defineApp()`.");
  const { _childComponents: components, _httpPrefix: prefix, _env: env } = parsed.data;
  const refuse = (what: string): never => {
    throw new PushError(
      `convex.config.ts: ${what} not supported by this backend. Remove them from the file.`,
    );
  };
  if (components.length > 0) refuse(`components (${components.map(([name]) => name).join(", ")}) are`);
  if (env !== undefined) refuse(`declared environment variables (${Object.keys(env).join(", ")}) are`);
  if (prefix !== undefined) refuse(`HTTP prefixes (${prefix}) are`);
}
