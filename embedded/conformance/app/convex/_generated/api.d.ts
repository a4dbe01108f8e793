/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type * as actions from "../actions.js";
import type * as clients from "../clients.js";
import type * as crons from "../crons.js";
import type * as errors from "../errors.js";
import type * as files from "../files.js";
import type * as hostile from "../hostile.js";
import type * as http from "../http.js";
import type * as identity from "../identity.js";
import type * as limits from "../limits.js";
import type * as nested from "../nested.js";
import type * as nodeActions from "../nodeActions.js";
import type * as rows from "../rows.js";
import type * as runSpec from "../runSpec.js";
import type * as scheduling from "../scheduling.js";
import type * as searching from "../searching.js";
import type * as spec from "../spec.js";
import type * as system from "../system.js";
import type * as testing from "../testing.js";
import type * as ticking from "../ticking.js";
import type * as values from "../values.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  actions: typeof actions;
  clients: typeof clients;
  crons: typeof crons;
  errors: typeof errors;
  files: typeof files;
  hostile: typeof hostile;
  http: typeof http;
  identity: typeof identity;
  limits: typeof limits;
  nested: typeof nested;
  nodeActions: typeof nodeActions;
  rows: typeof rows;
  runSpec: typeof runSpec;
  scheduling: typeof scheduling;
  searching: typeof searching;
  spec: typeof spec;
  system: typeof system;
  testing: typeof testing;
  ticking: typeof ticking;
  values: typeof values;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
