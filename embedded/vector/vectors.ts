/** Vectors as they are kept and compared: 32-bit floats of length one, so that a dot product is the cosine. */
import type { Value } from "convex/values";

/** The unit vector of `values`, or null when one of them is no finite number in 32 bits. All zeros stay zeros. */
export function toUnit(values: readonly (Value | undefined)[]): Float32Array | null {
  let largest = 0;
  for (const value of values) {
    if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) return null;
    largest = Math.max(largest, Math.abs(value));
  }
  const vector = new Float32Array(values.length);
  if (largest === 0) return vector;
  // Divided by the largest first: squares of very small numbers would vanish.
  const scaled = values.map((value) => (value as number) / largest);
  const length = Math.sqrt(scaled.reduce((sum, value) => sum + value * value, 0));
  for (let i = 0; i < scaled.length; i++) vector[i] = scaled[i]! / length;
  return vector;
}

export const toBlob = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);

/** Views a stored vector without a copy where its memory is aligned. */
export function fromBlob(blob: Buffer): Float32Array {
  if (blob.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0) {
    return new Float32Array(blob.buffer, blob.byteOffset, blob.byteLength / Float32Array.BYTES_PER_ELEMENT);
  }
  return new Float32Array(new Uint8Array(blob).buffer);
}

/** The dot product; for unit vectors their cosine, from -1 to 1. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
