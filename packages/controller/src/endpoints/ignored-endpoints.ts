import { type EndpointSliceObject, parseEndpointSlice } from '@tenet/model';
import { whyNoEndpoint } from '@tenet/proxy';
import type { Prefix } from '@tenet/std';
import { controllerError } from '../errors.ts';
import type { Refusal } from '../refusal.ts';

/** A slice as far as something is wrong with it. */
export interface FaultySlice {
  /** Of its service. */
  readonly namespace: string;
  readonly service: string;
  /** Each endpoint to which nothing is sent, and why, in the order of the slice. */
  readonly ignored: readonly string[];
}

/** What is kept of a slice: usually nothing but whose it is. */
export function faultsOf(object: EndpointSliceObject, serviceNetwork: Prefix): FaultySlice {
  const { namespace, service, endpoints } = parseEndpointSlice(object);
  const ignored = endpoints.flatMap(({ ip }) => {
    const why = whyNoEndpoint(ip, { clusterNetworks: [], serviceNetwork });
    return why === undefined ? [] : [`${ip} ${why}`];
  });
  return { namespace, service, ignored };
}

/** True for two slices of which nobody need be told twice. */
export function sameFaults(a: FaultySlice, b: FaultySlice): boolean {
  return (
    a.service === b.service &&
    a.ignored.length === b.ignored.length &&
    a.ignored.every((text, at) => text === b.ignored[at])
  );
}

/** A refusal for each service that has endpoints to which nothing is sent; none for a service that is not there. */
export function endpointRefusals(
  slices: Iterable<FaultySlice>,
  uidOf: (service: string) => string | undefined,
): readonly Refusal[] {
  const byService = new Map<
    string,
    { readonly namespace: string; readonly name: string; readonly ignored: Set<string> }
  >();
  for (const { namespace, service: name, ignored } of slices) {
    if (ignored.length === 0) continue;
    const key = `${namespace}/${name}`;
    const found = byService.get(key) ?? { namespace, name, ignored: new Set() };
    for (const text of ignored) found.ignored.add(text);
    byService.set(key, found);
  }
  return [...byService].flatMap(([service, { namespace, name, ignored }]) => {
    const uid = uidOf(service);
    if (uid === undefined) return [];
    const error = controllerError('ENDPOINT_IGNORED', { service, endpoints: [...ignored].sort() });
    return [{ subject: { kind: 'Service', namespace, name, uid }, error }];
  });
}
