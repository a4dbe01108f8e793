import http from "node:http";
import { ask } from "./client.ts";

export type Outcome = {
  sent: number;
  failures: string[];
  answeredBy: Map<string, number>;
  latenciesMs: number[];
};

/**
 * Sends requests in `lanes` side by side, one after the other in each, until `stop` is called: with and without
 * keep-alive, GETs, POSTs with bodies and slow answers. A failure is any answer but a 200 from `upstream.mjs`.
 */
export function startLoad(
  port: number,
  base: string,
  options: { lanes: number; expected?: string },
): { outcome: Outcome; stop: () => Promise<Outcome> } {
  const outcome: Outcome = { sent: 0, failures: [], answeredBy: new Map(), latenciesMs: [] };
  const agent = new http.Agent({ keepAlive: true, maxSockets: options.lanes });
  let going = true;

  const kinds = [
    () => ask(port, `${base}/`, { agent }),
    () => ask(port, `${base}/`),
    () => ask(port, `${base}/upload`, { method: "POST", body: "x".repeat(20_000), agent }),
    () => ask(port, `${base}/upload`, { method: "POST", body: "x".repeat(20_000) }),
    () => ask(port, `${base}/slow?ms=300`, { agent }),
  ];

  async function lane(number: number): Promise<void> {
    for (let turn = number; going; turn += 1) {
      const started = performance.now();
      outcome.sent += 1;
      try {
        const answer = await (kinds[turn % kinds.length] ?? kinds[0])!();
        outcome.latenciesMs.push(performance.now() - started);
        if (answer.status !== 200) {
          outcome.failures.push(`${answer.status} in turn ${turn}`);
          continue;
        }
        const { name } = JSON.parse(answer.body) as { name: string };
        outcome.answeredBy.set(name, (outcome.answeredBy.get(name) ?? 0) + 1);
        if (options.expected && !name.startsWith(options.expected))
          outcome.failures.push(`answered by ${name}`);
      } catch (error) {
        outcome.failures.push(`${String(error)} in turn ${turn}`);
      }
    }
  }

  const lanes = Array.from({ length: options.lanes }, (_, number) => lane(number));
  return {
    outcome,
    stop: async () => {
      going = false;
      await Promise.all(lanes);
      agent.destroy();
      return outcome;
    },
  };
}
