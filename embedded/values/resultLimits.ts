/** Structural limits on what functions return, checked on its JSON text, which is only parsed when that is in doubt. */
import type { JSONValue } from "convex/values";
import { LIMITS } from "./limits.ts";
import { explainMalformed } from "./wellFormed.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start;
  for (;;) {
    at = json.indexOf('"', at + 1);
    if (at === -1) return json.length;
    let slashes = 0;
    while (json.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return at;
  }
}

/** True when the text nests, or lists, more than a value may; some texts that it suspects are within the limits. */
function isSuspect(json: string): boolean {
  const commas: number[] = [];
  let own = 0;
  for (let at = 0; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(json, at);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        if (commas.push(own) > LIMITS.nesting) return true;
        own = 0;
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        own = commas.pop() ?? 0;
        break;
      case COMMA:
        if (++own >= LIMITS.objectFields) return true;
        break;
      default:
        break;
    }
  }
  return false;
}

/** Shorter texts can break no limit. */
const SHORT = 2 * LIMITS.nesting;

/** Why a function's result, as JSON text, is more than a function may return; null when it is not. */
export function explainOversizedResult(json: string): string | null {
  if (json.length <= SHORT) return null;
  if (json.length > LIMITS.resultBytes) {
    const bytes = Buffer.byteLength(json);
    return `Value is too large (${bytes} bytes > maximum size ${LIMITS.resultBytes} bytes)`;
  }
  return isSuspect(json) ? explainMalformed(JSON.parse(json) as JSONValue) : null;
}
