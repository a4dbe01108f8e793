import { embeddingsBody, readEmbeddings } from "../../core/embeddings.ts";
import { refuse } from "./refuse.ts";
import { embeddingsEndpoint } from "./settings.ts";

const DEADLINE_MS = 30_000;

/**
 * The embedding of each text, from the configured endpoint. For actions alone.
 * @throws ConvexError `setup` where none is configured, or it does not answer as such an endpoint does
 */
export async function embed(texts: string[]): Promise<number[][]> {
  const endpoint = embeddingsEndpoint();
  if (!endpoint) {
    return refuse({
      code: "setup",
      message: "Search by meaning needs an embeddings endpoint, and none is configured.",
      hint: "Set SLIPWAY_EMBEDDINGS_URL (and _KEY, _MODEL) to an OpenAI-compatible one, or use search by words.",
    });
  }
  const response = await fetch(`${endpoint.url}/embeddings`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(endpoint.key && { authorization: `Bearer ${endpoint.key}` }),
    },
    body: embeddingsBody(endpoint.model, texts),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const answer: unknown = response.ok ? await response.json() : null;
  return (
    readEmbeddings(answer, texts.length) ??
    refuse({
      code: "setup",
      message: `The embeddings endpoint answered ${response.status}, with nothing that can be used.`,
      hint: "Check SLIPWAY_EMBEDDINGS_URL, its key, and that the model gives 1536 dimensions.",
    })
  );
}
