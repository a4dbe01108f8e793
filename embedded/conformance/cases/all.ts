/** Every case. */
import type { Area } from "../case.ts";
import { calls } from "./calls.ts";
import { errors } from "./errors.ts";
import { filters } from "./filters.ts";
import { http } from "./http.ts";
import { identity } from "./identity.ts";
import { limits } from "./limits.ts";
import { pagination } from "./pagination.ts";
import { reads } from "./reads.ts";
import { scheduling } from "./scheduling.ts";
import { search } from "./search.ts";
import { storage } from "./storage.ts";
import { validators } from "./validators.ts";
import { values } from "./values.ts";
import { writes } from "./writes.ts";

export const areas: readonly Area[] = [
  ...[values, validators, reads, filters, pagination, writes, calls, errors],
  ...[scheduling, identity, http, storage, search, limits],
];
