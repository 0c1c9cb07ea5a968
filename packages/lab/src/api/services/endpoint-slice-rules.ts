import { isIP } from 'node:net';
import { FieldProblems } from '../field-problems.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import type { KindRules } from '../kind-rules.ts';
import type { StoredObject } from '../object.ts';

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const MAX_ENDPOINTS = 1000;
const RESOURCE = { kind: 'EndpointSlice', group: 'discovery.k8s.io' };

/**
 * EndpointSlices as kube-apiserver takes them, with one difference: addresses that no endpoint may have there (loopback,
 * link-local) pass, since what keeps tenants apart must not rely on whoever wrote a slice.
 */
export const ENDPOINT_SLICE_RULES: KindRules = {
  admit<O extends JsonObject & { readonly metadata: JsonObject }>(object: O, before: StoredObject | undefined): O {
    const problems = new FieldProblems();
    const { addressType = '' } = object;
    if (addressType === '') problems.required('addressType');
    else if (!ADDRESS_TYPES.includes(String(addressType)))
      problems.unsupported('addressType', addressType, ADDRESS_TYPES);
    if (before !== undefined && before.addressType !== addressType)
      problems.invalid('addressType', addressType, 'field is immutable');
    const endpoints = listOf(object.endpoints);
    if (endpoints.length > MAX_ENDPOINTS)
      problems.invalid('endpoints', endpoints.length, `must have at most ${MAX_ENDPOINTS} items`);
    for (const [at, endpoint] of endpoints.entries())
      validateAddresses(listOf(isJsonObject(endpoint) ? endpoint.addresses : undefined), {
        field: `endpoints[${at}].addresses`,
        addressType: String(addressType),
        problems,
      });
    problems.throwIfAny(RESOURCE, String(object.metadata.name ?? ''));
    const ports = listOf(object.ports).map((port) =>
      isJsonObject(port) ? { ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' } : port,
    );
    return { ...object, endpoints, ports };
  },
};

interface AddressFacts {
  readonly field: string;
  readonly addressType: string;
  readonly problems: FieldProblems;
}

function validateAddresses(addresses: readonly Json[], { field, addressType, problems }: AddressFacts): void {
  if (addresses.length === 0) problems.required(field, 'must contain at least 1 item');
  for (const [at, address] of addresses.entries()) {
    const version = isIP(String(address));
    if (addressType === 'IPv4' && version !== 4)
      problems.invalid(`${field}[${at}]`, address, 'must be a valid IPv4 address');
    if (addressType === 'IPv6' && version !== 6)
      problems.invalid(`${field}[${at}]`, address, 'must be a valid IPv6 address');
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
