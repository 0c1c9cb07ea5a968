import { GLOBAL_VNID } from '@tenet/model';
import type { Ip } from '@tenet/std';
import type { Endpoint, NodeEndpoint } from './endpoint.ts';

/** What multitenancy says of packets from one place to another. */
export type Expectation =
  /** They get there and back; an answerer there sees this address. */
  | { readonly kind: 'reaches'; readonly client: Ip }
  /** The switch of this node drops and counts them: the one that holds the destination. */
  | { readonly kind: 'blocked'; readonly by: NodeEndpoint }
  /** Pod addresses mean nothing outside of the cluster. */
  | { readonly kind: 'no route' };

/** Projects reach themselves and the global one; nodes reach all; the world is reached by all and reaches nodes only. */
export function expect(from: Endpoint, to: Endpoint): Expectation {
  if (from.kind === 'outside') return to.kind === 'pod' ? { kind: 'no route' } : { kind: 'reaches', client: from.ip };
  if (from.kind === 'node') return { kind: 'reaches', client: to.kind === 'pod' ? from.gateway : from.ip };
  if (to.kind !== 'pod') return { kind: 'reaches', client: from.node.ip };
  const mayPass = from.vnid === to.vnid || from.vnid === GLOBAL_VNID || to.vnid === GLOBAL_VNID;
  return mayPass ? { kind: 'reaches', client: from.ip } : { kind: 'blocked', by: to.node };
}
