import * as z from "zod";

/** What is said to an OpenAI-compatible embeddings endpoint, and what it answers. */

/** A vector index has one width, set in the schema; most such models can be asked for this one. */
export const EMBEDDING_DIMENSIONS = 1536;

const vAnswer = z.object({
  data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()).length(EMBEDDING_DIMENSIONS) })),
});

export function embeddingsBody(model: string, input: string[]): string {
  return JSON.stringify({ model, input, dimensions: EMBEDDING_DIMENSIONS, encoding_format: "float" });
}

/** The embedding of each of `count` inputs in their order, or null where `answer` is not that. */
export function readEmbeddings(answer: unknown, count: number): number[][] | null {
  const parsed = vAnswer.safeParse(answer);
  if (!parsed.success) return null;
  const ordered = [...parsed.data.data].sort((one, other) => one.index - other.index);
  const complete = ordered.length === count && ordered.every((item, index) => item.index === index);
  return complete ? ordered.map((item) => item.embedding) : null;
}
