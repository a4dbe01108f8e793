/** The container's own loopback, where nobody listens. */
const NOBODY = ["127.0.0.1"];

/**
 * Whom Docker's name server asks, for a service, for names that it does not know itself; none: as the host does.
 *
 * Without a way out nobody is to be asked for the outside's names, as a question is a message too. (Engines before
 * 23.0.11, 25.0.5 and 26.0 ask a name server on the host's loopback for such containers, CVE-2024-29018; newer ones let
 * the program wait for nothing.)
 */
export function nameServersOf(
  service: { networks: { key: string }[] },
  networks: readonly { key: string; internal: boolean; external: boolean }[],
): string[] {
  const leadsOut = networks.some(
    ({ key, internal, external }) =>
      !internal && !external && service.networks.some((network) => network.key === key),
  );
  return leadsOut ? [] : NOBODY;
}
