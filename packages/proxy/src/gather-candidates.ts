import type { EndpointSlice, ServiceEndpoint, ServicePort } from '@tenet/model';
import { type Candidate, rankOf } from './choose-endpoints.ts';

/**
 * The endpoints of a service's port: what its slices have under the port's name and protocol (not its number). An
 * address and port in several slices, as happens while the controller moves it, is one: the better state wins; then
 * the one that this node holds; then the one of the first slice, so that the order of arrival plays no part.
 */
export function gatherCandidates(
  slices: readonly EndpointSlice[],
  { name, protocol }: Pick<ServicePort, 'name' | 'protocol'>,
  nodeName: string,
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    for (const port of slice.ports) {
      if (port.name !== name || port.protocol !== protocol) continue;
      for (const endpoint of slice.endpoints) {
        if (endpoint.ip.family !== 4) continue;
        const candidate = candidateOf(endpoint, port.port);
        const key = `${endpoint.ip.value}:${port.port}`;
        const there = found.get(key);
        if (there === undefined || isBetter(candidate, there, nodeName)) found.set(key, candidate);
      }
    }
  }
  return [...found.values()];
}

function candidateOf(endpoint: ServiceEndpoint, port: number): Candidate {
  const { ip, ready, serving, terminating, nodeName = '', forZones = [], forNodes = [] } = endpoint;
  return { ip, port, ready, serving, terminating, nodeName, forZones, forNodes };
}

function isBetter(a: Candidate, b: Candidate, nodeName: string): boolean {
  const byRank = rankOf(a) - rankOf(b);
  return byRank !== 0 ? byRank > 0 : a.nodeName === nodeName && b.nodeName !== nodeName;
}
