import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { EnvironmentRoute, Upstream } from "../../core/routes.ts";
import { recalled } from "./recall.ts";
import type { RoutedReplica } from "./replicas.ts";

const ROLLOUT = "r-loyw3v28";

function replica(revision: string, id: string, address: string): RoutedReplica {
  const name = `web-${revision}-1`;
  return {
    service: { service: "web", route: "/", port: 3000, readyPath: "/", attachment: false },
    ...{ revision, replica: 1, name, address, ready: true, waitingMs: 0 },
    container: {
      ...{
        id: id.repeat(64),
        name,
        image: "i",
        state: "running",
        health: "none",
        exitCode: null,
        networks: {},
      },
      labels: { [LABELS.release]: revision === "old" ? "1" : "2" },
    },
  };
}

const OLD = replica("old", "a", "10.0.0.1");
const NEW = replica("new", "b", "10.0.0.2");
const idOf = ({ container }: RoutedReplica) => container!.id;

function upstream({ address, container }: RoutedReplica, more: Partial<Upstream>): Upstream {
  const short = container!.id.slice(0, 12);
  return { address: address!, port: 3000, container: short, weight: 1, draining: false, ...more };
}

function route(more: Partial<EnvironmentRoute>, upstreams: Upstream[]): EnvironmentRoute {
  const services = [{ service: "web", prefix: "/", stripPrefix: false, upstreams }];
  return { state: "serving", services, ...more };
}

const SWITCHED = route({ rollout: { id: ROLLOUT, phase: "during" } }, [
  upstream(NEW, { side: "new" }),
  upstream(OLD, { side: "old", standby: true }),
]);

const recall = (of: EnvironmentRoute | null, all = [NEW, OLD]) =>
  recalled(of, { wanted: [NEW], all, attempt: 1, now: 5_000 });

describe("a new worker", () => {
  test("finds a rollout where another one left it", () => {
    const { memory, routed } = recall(SWITCHED);
    expect(memory).toMatchObject({ id: ROLLOUT, phase: "during", old: [idOf(OLD)], switched: [NEW.name] });
    expect([...routed]).toEqual([idOf(NEW)]);
  });

  test("is told of what was undone, which serves nobody any more", () => {
    const undone = { id: ROLLOUT, revisions: "web:new", attempt: 3, cause: "5 requests failed." };
    const found = recall(route({ undone }, [upstream(OLD, {})]));
    expect(found).toEqual({ memory: null, routed: new Set([idOf(OLD)]), undone });
    expect(recall(SWITCHED).undone).toBeNull();
  });

  test("takes no container for one whose address it has by now", () => {
    const moved = replica("old", "c", "10.0.0.2");
    const { memory, routed } = recall(SWITCHED, [{ ...NEW, address: "10.0.0.3" }, OLD, moved]);
    expect([memory, [...routed]]).toEqual([null, []]);
  });
});
