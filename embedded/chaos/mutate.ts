/** Small, reproducible damage to JSON values and to their texts. */

/** Numbers from 0 up to 1; the same seed gives the same ones (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const deep = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown;

/** What a value is replaced with. */
const STRANGE: readonly (() => unknown)[] = [
  ...[
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    -0,
    2 ** 53,
    2 ** 31,
    "",
    "0",
    " ",
    "__proto__",
    "constructor",
    "\u0000",
    "\ud800",
    "ä€𝄞",
  ].map((value) => () => value),
  ...[[], {}, [[]], { $integer: "AAAAAAAAAAA=" }, { $bytes: "!" }, { $float: 1 }, { $undefined: null }].map(
    (value) => () => value,
  ),
  () => "x".repeat(20_000),
  () => deep(200),
  () => Array(9_000).fill(0),
  () => Object.fromEntries(Array.from({ length: 1_100 }, (_, i) => [`k${i}`, i])),
  () => ({ ["__proto__"]: { polluted: true } }),
];

/** Every place in a value: its container and its key there. */
function placesIn(root: unknown): { container: Record<string, unknown>; key: string }[] {
  const places: { container: Record<string, unknown>; key: string }[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const container = value as Record<string, unknown>;
    for (const key of Object.keys(container)) {
      places.push({ container, key });
      visit(container[key]);
    }
  };
  visit(root);
  return places;
}

function damageValue(root: unknown, random: Random): void {
  const places = placesIn(root);
  if (places.length === 0) return;
  const { container, key } = pick(random, places);
  const other = pick(random, places);
  switch (Math.floor(random() * 6)) {
    case 0:
      delete container[key];
      break;
    case 1:
      container[key] = structuredClone(other.container[other.key]);
      break;
    case 2:
      container[`${key}${pick(random, ["", " ", "_", "\u0000", "2"])}`] = structuredClone(
        pick(random, STRANGE)(),
      );
      break;
    case 3:
      if (typeof container[key] === "number") container[key] += pick(random, [-1, 1, 0.5, 1e9, -1e9]);
      else container[key] = [container[key]];
      break;
    default:
      container[key] = structuredClone(pick(random, STRANGE)());
      break;
  }
}

function damageText(text: string, random: Random): string {
  const at = Math.floor(random() * text.length);
  switch (Math.floor(random() * 5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return (
        text.slice(0, at) +
        pick(random, ['"', "{", "]", ",", "\\", "\u0000", "1e999", "null"]) +
        text.slice(at)
      );
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 8));
    case 3:
      return text + text;
    default:
      return text.slice(0, at) + String.fromCharCode(Math.floor(random() * 128)) + text.slice(at + 1);
  }
}

/** A message's text with one to three faults; the message itself stays as it is. */
export function mutate(message: unknown, random: Random): string {
  const copy = { root: structuredClone(message) };
  const faults = 1 + Math.floor(random() * 3);
  let onText = 0;
  for (let fault = 0; fault < faults; fault++) {
    if (random() < 0.3) onText++;
    else damageValue(copy, random);
  }
  let text = JSON.stringify(copy.root) ?? "";
  for (; onText > 0; onText--) text = damageText(text, random);
  return text;
}
