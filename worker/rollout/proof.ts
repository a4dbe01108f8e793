import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { Clock } from "../clock.ts";
import { explain } from "../conditions/explain.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { UnversionedRoutes } from "../routing.ts";

/** Whether requests really reach the containers that a route was switched to. */

/** How long a look waits for a proof; one that takes longer counts at a later look. */
const LOOK_MS = 500;
const ANSWER_MS = 15_000;

export type PushedRoute = NonNullable<UnversionedRoutes["environments"]["deploy"]>;

/** A request that proves the route of one service. */
export type Ask = {
  /** Below the environment. */
  path: string;
  /** `address:port` of all that may answer it; null: whoever does. */
  upstreams: ReadonlySet<string> | null;
};

export type Proof = {
  proven: boolean;
  /** For how many ms the gateway has answered in another way; 0: it has not. */
  failingMs: number;
  /** How it answered last. */
  seen: string | null;
};

/** Before anything was asked. */
export const UNPROVEN: Proof = { proven: false, failingMs: 0, seen: null };

/** How long the gateway may answer in another way before a switch is undone. */
const PROVEN_WITHIN_MS = 30_000;

/** Why what was switched to has failed, where no request has reached it for too long; null: it may yet. Pure. */
export function unprovenFor({ proven, failingMs, seen }: Proof): string | null {
  if (proven || failingMs < PROVEN_WITHIN_MS) return null;
  return `No request reached it within ${PROVEN_WITHIN_MS / 1000} s of the switch: ${(seen ?? "").replace(/\.?$/, ".")}`;
}

/**
 * What is asked of a route: of each service that is rolled out one of the containers that get its requests, be they of the
 * new side or, with a canary, of both. Pure.
 * @param readyPaths of services, the path of their health check: it is known to be answered soon
 */
export function asksOf(route: PushedRoute, readyPaths: ReadonlyMap<string, string | null>): Ask[] {
  const asks = route.services.flatMap((service): Ask[] => {
    const led = service.upstreams.filter(
      ({ standby, draining, weight }) => !standby && !draining && weight !== 0,
    );
    if (!led.some(({ side }) => side === "new")) return [];
    return [
      {
        path: proofPath(service, route.services, readyPaths.get(service.service) ?? null),
        upstreams: new Set(led.map(({ address, port }) => `${address}:${port}`)),
      },
    ];
  });
  return asks.length > 0 ? asks : [{ path: "/", upstreams: null }];
}

type Prefixed = Pick<PushedRoute["services"][number], "prefix" | "stripPrefix">;

/** The health check's path as it is asked for from outside, where it leads to this service; else the service's prefix. */
function proofPath(service: Prefixed, all: readonly Prefixed[], readyPath: string | null): string {
  const { prefix, stripPrefix } = service;
  if (readyPath === null) return prefix;
  const path = stripPrefix && prefix !== "/" ? `${prefix}${readyPath}` : readyPath;
  const holders = all.filter((one) => holds(one.prefix, path.split("?")[0]!));
  const [holder] = holders.sort((one, other) => other.prefix.length - one.prefix.length);
  return holder === service ? path : prefix;
}

function holds(prefix: string, path: string): boolean {
  return prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
}

export type ProofLook = {
  namespace: string;
  environment: EnvironmentKind;
  asks: readonly Ask[];
  /** Of the routes that are to answer; a newer one will do. */
  version: number;
};

/** The proof of one switch: tried at each look until it is there. */
export class SwitchProof {
  readonly id: string;
  private readonly gateway: Pick<Gateway, "proveRoute">;
  private readonly clock: Clock;
  private proven = false;
  private failingSince: number | null = null;
  private seen: string | null = null;
  private going: Promise<void> | null = null;

  /** @param id of what is proven: a rollout or a canary */
  constructor(id: string, gateway: Pick<Gateway, "proveRoute">, clock: Clock) {
    this.id = id;
    this.gateway = gateway;
    this.clock = clock;
  }

  /** @returns when it has been tried, or after half a second */
  async look(look: ProofLook): Promise<void> {
    if (this.proven) return;
    this.going ??= this.attempt(look).finally(() => (this.going = null));
    let cancel = () => {};
    const bound = new Promise<void>((resolve) => (cancel = this.clock.after(LOOK_MS, resolve)));
    await Promise.race([this.going, bound]);
    cancel();
  }

  state(): Proof {
    const { proven, failingSince, seen } = this;
    return { proven, failingMs: failingSince === null ? 0 : this.clock.elapsed() - failingSince, seen };
  }

  private async attempt(look: ProofLook): Promise<void> {
    const began = this.clock.elapsed();
    const found = await Promise.all(look.asks.map((ask) => this.problem(look, ask)));
    const problem = found.find((one) => one !== null && one !== "away");
    if (problem !== undefined) {
      this.failingSince ??= began;
      this.seen = problem;
      return;
    }
    // A gateway that is away says nothing of where it leads.
    this.failingSince = null;
    this.proven = !found.includes("away");
  }

  /** Why one request is no proof, or that the gateway is `away`; null: it is one. */
  private async problem(
    { namespace, environment, version }: ProofLook,
    { path, upstreams }: Ask,
  ): Promise<string | null> {
    try {
      const answer = await this.gateway.proveRoute({ namespace, environment, path, timeoutMs: ANSWER_MS });
      if (answer.version === null || answer.version < version) {
        const answering = answer.version === null ? "no version" : `version ${answer.version}`;
        return `${path} is answered by ${answering} of the routes, not ${version}`;
      }
      if (upstreams === null || (answer.upstream !== null && upstreams.has(answer.upstream))) return null;
      return `${path} is answered ${answer.status} by ${answer.upstream ?? "no container"}`;
    } catch (error) {
      if (error instanceof GatewayError && error.kind === "unreachable") return "away";
      return explain(error);
    }
  }
}
