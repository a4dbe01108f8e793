import type { PaginationOptions, PaginationResult } from "convex/server";

/** The most items of one page: each may stand for several documents read. */
const MAX_PAGE = 100;

/** What the caller asked for, within bounds. */
export function boundedPage(options: PaginationOptions, most = MAX_PAGE): PaginationOptions {
  return { ...options, numItems: Math.max(1, Math.min(most, Math.floor(options.numItems))) };
}

/** One page that is also the last. */
export function lastPage<T = never>(page: T[] = []): PaginationResult<T> {
  return { page, isDone: true, continueCursor: "" };
}
