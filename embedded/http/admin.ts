/** Small administrative endpoints: the version, the instance's name, the admin key's check, environment variables. */
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { EnvironmentRefusedError, type Deployer } from "../push/deployer.ts";
import { MissingVariableError } from "../push/load.ts";
import type { Backend } from "../runtime/backend.ts";
import { PushError } from "../runtime/schema.ts";
import { requireAdmin } from "./auth.ts";
import { HttpError, readJson, sendJson, sendText } from "./reply.ts";

const MAX_BODY_BYTES = 4 << 20;

const vChanges = z.object({
  changes: z.array(z.object({ name: z.string(), value: z.string().nullish() })),
});

export interface AdminApi {
  readonly backend: Backend;
  readonly adminKey: string;
  readonly deployer: Deployer;
  readonly instance: string;
  /** The version text that Convex's tools read; for this backend it is fixed. */
  readonly version: string;
}

/** A refused change of the environment in the form that the CLI understands. */
function toHttpError(error: unknown): unknown {
  const codeOf = (): string | null => {
    if (error instanceof EnvironmentRefusedError) return "InvalidEnvironmentVariable";
    if (error instanceof MissingVariableError) return "AuthConfigMissingEnvironmentVariable";
    return error instanceof PushError ? "EnvironmentRefused" : null;
  };
  const code = codeOf();
  return code === null ? error : new HttpError(400, code, (error as Error).message, { cause: error });
}

/** Answers an administrative request; false when it is none. */
export async function serveAdmin(
  api: AdminApi,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const admin = (): Promise<unknown> => requireAdmin(request, api.backend, api.adminKey);
  switch (url.pathname) {
    case "/version":
      sendText(response, 200, "text/plain", api.version);
      return true;
    case "/instance_name":
      sendText(response, 200, "text/plain", api.instance);
      return true;
    case "/api/check_admin_key":
      await admin();
      sendJson(response, 200, { success: true });
      return true;
    case "/api/update_environment_variables":
    case "/api/v1/update_environment_variables": {
      await admin();
      const parsed = vChanges.safeParse(await readJson(request, MAX_BODY_BYTES));
      if (!parsed.success) throw new HttpError(400, "BadRequest", z.prettifyError(parsed.error));
      await api.deployer.changeEnvironment(parsed.data.changes).catch((error: unknown) => {
        throw toHttpError(error);
      });
      sendJson(response, 200, {});
      return true;
    }
    default:
      return false;
  }
}
