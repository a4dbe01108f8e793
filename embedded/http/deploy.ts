/** Pushes over HTTP, as `npx convex deploy`, `dev`, `codegen` and `run --push` make them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";
import * as z from "zod";
import { moduleHash } from "../push/app.ts";
import { analysisOf, authInfos, checkedApp, indexDiff, pushDiff } from "../push/describe.ts";
import { PushRaceError, type Deployer, type PendingPush } from "../push/deployer.ts";
import { evaluateSchema } from "../push/evaluateSchema.ts";
import { previewIndexes } from "../push/indexes.ts";
import { loadSchema, MissingVariableError, type LoadOptions } from "../push/load.ts";
import { sourceOfPush, vPushRequest, type PushRequest } from "../push/request.ts";
import type { Backend } from "../runtime/backend.ts";
import type { Environment } from "../runtime/environment.ts";
import { PushError } from "../runtime/schema.ts";
import { requireAdmin } from "./auth.ts";
import { HttpError, parseJson, readBody, sendJson } from "./reply.ts";

const MAX_BODY_BYTES = 64 << 20;
const MAX_UNPACKED_BYTES = 256 << 20;

const unpack = promisify(brotliDecompress);

export interface DeployApi {
  readonly backend: Backend;
  readonly adminKey: string;
  readonly deployer: Deployer;
  readonly environment: Environment;
  readonly loading: LoadOptions;
  /** The backend's addresses as clients use them. */
  readonly cloudUrl: string;
  readonly siteUrl: string;
}

const vSchemaChange = z.looseObject({ schemaIds: z.looseObject({ "": z.string() }) });
const vWaitForSchema = z.looseObject({ schemaChange: vSchemaChange });
const vFinishPush = z.looseObject({
  startPush: z.looseObject({ schemaChange: vSchemaChange }),
  dryRun: z.boolean().default(false),
});

/** The body as JSON, unpacked when the CLI has packed it. */
async function readPacked(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, MAX_BODY_BYTES);
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding === "identity") return parseJson(body);
  if (encoding !== "br")
    throw new HttpError(415, "UnsupportedEncoding", "Send the body plain or packed with brotli (br).");
  try {
    return parseJson(await unpack(body, { maxOutputLength: MAX_UNPACKED_BYTES }));
  } catch (error) {
    if (error instanceof HttpError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new HttpError(
        413,
        "RequestTooLarge",
        `The body unpacks to more than ${MAX_UNPACKED_BYTES} bytes.`,
      );
    throw new HttpError(400, "BadBody", "The body is no brotli stream.", { cause: error });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HttpError(400, "BadRequest", `Malformed push: ${z.prettifyError(parsed.error)}`);
}

function schemaChangeOf({ backend }: DeployApi, pending: PendingPush): Record<string, unknown> {
  const changes = previewIndexes(backend.store, pending.app.schema);
  return { allocatedComponentIds: {}, schemaIds: { "": pending.id }, indexDiffs: { "": indexDiff(changes) } };
}

async function startPush(api: DeployApi, request: PushRequest): Promise<unknown> {
  const pending = await api.deployer.prepare((current) => sourceOfPush(request, current));
  const { app } = pending;
  return api.backend.executor.other(() => ({
    // The CLI keeps these values out of what it prints.
    environmentVariables: Object.fromEntries(api.environment.list().map(({ name, value }) => [name, value])),
    externalDepsId: null,
    componentDefinitionPackages: {},
    appAuth: authInfos(app),
    analysis: { "": analysisOf(app, request.appDefinition.udfServerVersion) },
    app: checkedApp(app),
    schemaChange: schemaChangeOf(api, pending),
  }));
}

async function waitForSchema({ deployer }: DeployApi, id: string): Promise<unknown> {
  const check = await deployer.check(deployer.find(id));
  switch (check.kind) {
    case "complete":
      return { type: "complete" };
    case "race":
      return { type: "raceDetected" };
    case "failed": {
      const { message, table } = check.violation;
      return { type: "failed", error: message, componentPath: "", tableName: table };
    }
  }
}

async function finishPush(api: DeployApi, id: string, dryRun: boolean): Promise<unknown> {
  const { backend, deployer } = api;
  const pending = deployer.find(id);
  const diff = await backend.executor.other(() =>
    pushDiff(pending.base, pending.app, previewIndexes(backend.store, pending.app.schema)),
  );
  if (!dryRun) await deployer.finish(pending);
  return diff;
}

function configHashes({ backend }: DeployApi): unknown {
  const { source } = backend.app;
  const all = [...source.modules, ...(source.authConfig === null ? [] : [source.authConfig])];
  return {
    config: { functions: source.functionsDir },
    moduleHashes: all.map((module) => ({
      path: module.path,
      environment: module.environment,
      hash: moduleHash(module),
    })),
    nodeDependencies: [],
    udfServerVersion: null,
  };
}

type Endpoint = (api: DeployApi, body: unknown) => Promise<unknown> | unknown;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/api/get_config_hashes": configHashes,
  "/api/deploy2/start_push": (api, body) => startPush(api, parse(vPushRequest, body)),
  "/api/deploy2/evaluate_push": async (api, body) => {
    const request = parse(vPushRequest, body);
    const pending = await api.deployer.prepare((current) => sourceOfPush(request, current));
    return { schemaChange: schemaChangeOf(api, pending) };
  },
  "/api/deploy2/evaluate_schema": async (api, body) => {
    const source = sourceOfPush(parse(vPushRequest, body), api.backend.app.source);
    const schema = await loadSchema(source, api.loading);
    return api.backend.executor.other(() => evaluateSchema(api.backend.store, schema));
  },
  "/api/deploy2/wait_for_schema": (api, body) =>
    waitForSchema(api, parse(vWaitForSchema, body).schemaChange.schemaIds[""]),
  "/api/deploy2/finish_push": (api, body) => {
    const { startPush, dryRun } = parse(vFinishPush, body);
    return finishPush(api, startPush.schemaChange.schemaIds[""], dryRun);
  },
  "/api/deploy2/report_push_completed": () => null,
};

/** A refused push in the form that the CLI understands. */
function toHttpError(error: unknown): unknown {
  if (error instanceof PushRaceError)
    return new HttpError(409, "RaceDetected", error.message, { cause: error });
  if (error instanceof MissingVariableError)
    return new HttpError(400, "AuthConfigMissingEnvironmentVariable", error.message, { cause: error });
  if (error instanceof PushError) return new HttpError(400, "PushRefused", error.message, { cause: error });
  return error;
}

/** Answers a request of the push API; false when it is none. */
export async function serveDeploy(
  api: DeployApi,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { cloudUrl, siteUrl } = api;
  const admin = (): Promise<unknown> => requireAdmin(request, api.backend, api.adminKey);
  if (url.pathname === "/api/v1/get_canonical_urls") {
    await admin();
    sendJson(response, 200, { convexCloudUrl: cloudUrl, convexSiteUrl: siteUrl });
    return true;
  }
  const endpoint = Object.hasOwn(ENDPOINTS, url.pathname) ? ENDPOINTS[url.pathname] : undefined;
  if (endpoint === undefined) return false;
  await admin();
  if (request.method !== "POST")
    throw new HttpError(405, "MethodNotAllowed", `Use POST for ${url.pathname}.`);
  const body = await readPacked(request);
  try {
    sendJson(response, 200, await endpoint(api, body));
  } catch (error) {
    throw toHttpError(error);
  }
  return true;
}
