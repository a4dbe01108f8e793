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
import type * as admin from "../admin.js";
import type * as agents from "../agents.js";
import type * as certificates from "../certificates.js";
import type * as crons from "../crons.js";
import type * as door_handle from "../door/handle.js";
import type * as door_openapi from "../door/openapi.js";
import type * as door_operations from "../door/operations.js";
import type * as door_problem from "../door/problem.js";
import type * as embeddings from "../embeddings.js";
import type * as events from "../events.js";
import type * as groups from "../groups.js";
import type * as hosts from "../hosts.js";
import type * as http from "../http.js";
import type * as logs from "../logs.js";
import type * as maintenance from "../maintenance.js";
import type * as metrics from "../metrics.js";
import type * as model_access from "../model/access.js";
import type * as model_agents from "../model/agents.js";
import type * as model_capacity from "../model/capacity.js";
import type * as model_certificateReports from "../model/certificateReports.js";
import type * as model_certificates from "../model/certificates.js";
import type * as model_code from "../model/code.js";
import type * as model_counts from "../model/counts.js";
import type * as model_deletion from "../model/deletion.js";
import type * as model_deployReports from "../model/deployReports.js";
import type * as model_deployRequests from "../model/deployRequests.js";
import type * as model_deployWanted from "../model/deployWanted.js";
import type * as model_deployable from "../model/deployable.js";
import type * as model_deploys from "../model/deploys.js";
import type * as model_domains from "../model/domains.js";
import type * as model_dropped from "../model/dropped.js";
import type * as model_embed from "../model/embed.js";
import type * as model_environments from "../model/environments.js";
import type * as model_events from "../model/events.js";
import type * as model_find from "../model/find.js";
import type * as model_groupNetworks from "../model/groupNetworks.js";
import type * as model_groups from "../model/groups.js";
import type * as model_guards from "../model/guards.js";
import type * as model_hostReports from "../model/hostReports.js";
import type * as model_hosts from "../model/hosts.js";
import type * as model_inbox from "../model/inbox.js";
import type * as model_issuing from "../model/issuing.js";
import type * as model_logs from "../model/logs.js";
import type * as model_manifests from "../model/manifests.js";
import type * as model_metricChunks from "../model/metricChunks.js";
import type * as model_metricColumns from "../model/metricColumns.js";
import type * as model_metricHistory from "../model/metricHistory.js";
import type * as model_metricReports from "../model/metricReports.js";
import type * as model_metricWatches from "../model/metricWatches.js";
import type * as model_pages from "../model/pages.js";
import type * as model_ports from "../model/ports.js";
import type * as model_projects from "../model/projects.js";
import type * as model_refuse from "../model/refuse.js";
import type * as model_releaseReports from "../model/releaseReports.js";
import type * as model_releases from "../model/releases.js";
import type * as model_report from "../model/report.js";
import type * as model_requests from "../model/requests.js";
import type * as model_retry from "../model/retry.js";
import type * as model_secrets from "../model/secrets.js";
import type * as model_settings from "../model/settings.js";
import type * as model_signIn from "../model/signIn.js";
import type * as model_signing from "../model/signing.js";
import type * as model_sources from "../model/sources.js";
import type * as model_storedManifest from "../model/storedManifest.js";
import type * as model_subnets from "../model/subnets.js";
import type * as model_tokens from "../model/tokens.js";
import type * as model_transition from "../model/transition.js";
import type * as model_updateManifest from "../model/updateManifest.js";
import type * as model_validators from "../model/validators.js";
import type * as model_variables from "../model/variables.js";
import type * as projects from "../projects.js";
import type * as releases from "../releases.js";
import type * as search from "../search.js";
import type * as secrets from "../secrets.js";
import type * as signIn from "../signIn.js";
import type * as sources from "../sources.js";
import type * as tokens from "../tokens.js";
import type * as worker from "../worker.js";
import type * as workspace from "../workspace.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  admin: typeof admin;
  agents: typeof agents;
  certificates: typeof certificates;
  crons: typeof crons;
  "door/handle": typeof door_handle;
  "door/openapi": typeof door_openapi;
  "door/operations": typeof door_operations;
  "door/problem": typeof door_problem;
  embeddings: typeof embeddings;
  events: typeof events;
  groups: typeof groups;
  hosts: typeof hosts;
  http: typeof http;
  logs: typeof logs;
  maintenance: typeof maintenance;
  metrics: typeof metrics;
  "model/access": typeof model_access;
  "model/agents": typeof model_agents;
  "model/capacity": typeof model_capacity;
  "model/certificateReports": typeof model_certificateReports;
  "model/certificates": typeof model_certificates;
  "model/code": typeof model_code;
  "model/counts": typeof model_counts;
  "model/deletion": typeof model_deletion;
  "model/deployReports": typeof model_deployReports;
  "model/deployRequests": typeof model_deployRequests;
  "model/deployWanted": typeof model_deployWanted;
  "model/deployable": typeof model_deployable;
  "model/deploys": typeof model_deploys;
  "model/domains": typeof model_domains;
  "model/dropped": typeof model_dropped;
  "model/embed": typeof model_embed;
  "model/environments": typeof model_environments;
  "model/events": typeof model_events;
  "model/find": typeof model_find;
  "model/groupNetworks": typeof model_groupNetworks;
  "model/groups": typeof model_groups;
  "model/guards": typeof model_guards;
  "model/hostReports": typeof model_hostReports;
  "model/hosts": typeof model_hosts;
  "model/inbox": typeof model_inbox;
  "model/issuing": typeof model_issuing;
  "model/logs": typeof model_logs;
  "model/manifests": typeof model_manifests;
  "model/metricChunks": typeof model_metricChunks;
  "model/metricColumns": typeof model_metricColumns;
  "model/metricHistory": typeof model_metricHistory;
  "model/metricReports": typeof model_metricReports;
  "model/metricWatches": typeof model_metricWatches;
  "model/pages": typeof model_pages;
  "model/ports": typeof model_ports;
  "model/projects": typeof model_projects;
  "model/refuse": typeof model_refuse;
  "model/releaseReports": typeof model_releaseReports;
  "model/releases": typeof model_releases;
  "model/report": typeof model_report;
  "model/requests": typeof model_requests;
  "model/retry": typeof model_retry;
  "model/secrets": typeof model_secrets;
  "model/settings": typeof model_settings;
  "model/signIn": typeof model_signIn;
  "model/signing": typeof model_signing;
  "model/sources": typeof model_sources;
  "model/storedManifest": typeof model_storedManifest;
  "model/subnets": typeof model_subnets;
  "model/tokens": typeof model_tokens;
  "model/transition": typeof model_transition;
  "model/updateManifest": typeof model_updateManifest;
  "model/validators": typeof model_validators;
  "model/variables": typeof model_variables;
  projects: typeof projects;
  releases: typeof releases;
  search: typeof search;
  secrets: typeof secrets;
  signIn: typeof signIn;
  sources: typeof sources;
  tokens: typeof tokens;
  worker: typeof worker;
  workspace: typeof workspace;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
