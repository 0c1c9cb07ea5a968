import type { ServiceObject } from '@tenet/model';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { StatusError } from '../status.ts';

/** The spec of a Service as it is stored: what is read elsewhere, and what the server adds for its clients. */
export type ServiceSpec = ServiceObject['spec'] & {
  readonly ipFamilies?: readonly string[];
  readonly ipFamilyPolicy?: string;
  readonly allocateLoadBalancerNodePorts?: boolean;
};

export type ServicePortSpec = NonNullable<ServiceSpec['ports']>[number];

type JsonType = 'string' | 'number' | 'boolean' | 'list' | 'strings' | 'string map' | 'map' | 'number or string';

// biome-ignore format: columns are the documentation
const SPEC_TYPES: Readonly<Record<string, JsonType>> = {
  type: 'string', selector: 'string map', clusterIP: 'string', clusterIPs: 'strings', ports: 'list',
  externalName: 'string', externalIPs: 'strings', loadBalancerSourceRanges: 'strings', externalTrafficPolicy: 'string',
  internalTrafficPolicy: 'string', healthCheckNodePort: 'number', publishNotReadyAddresses: 'boolean',
  sessionAffinity: 'string', sessionAffinityConfig: 'map', trafficDistribution: 'string', ipFamilies: 'strings',
  ipFamilyPolicy: 'string', allocateLoadBalancerNodePorts: 'boolean',
};

// biome-ignore format: columns are the documentation
const PORT_TYPES: Readonly<Record<string, JsonType>> = {
  name: 'string', protocol: 'string', port: 'number', targetPort: 'number or string', nodePort: 'number',
};

/** Takes JSON for a spec once each field that is read has the type that it must have; 400 names the first that has not. */
export function serviceSpecOf(spec: Json | undefined): ServiceSpec {
  const fields = asMap(spec ?? {}, 'spec');
  demandTypes(fields, SPEC_TYPES, 'spec');
  for (const [at, port] of (Array.isArray(fields.ports) ? fields.ports : []).entries())
    demandTypes(asMap(port, `spec.ports[${at}]`), PORT_TYPES, `spec.ports[${at}]`);
  const affinity = asMap(fields.sessionAffinityConfig ?? {}, 'spec.sessionAffinityConfig');
  demandTypes(asMap(affinity.clientIP ?? {}, 'spec.sessionAffinityConfig.clientIP'), { timeoutSeconds: 'number' }, '');
  return withoutNulls(fields) as unknown as ServiceSpec;
}

function demandTypes(fields: JsonObject, types: Readonly<Record<string, JsonType>>, path: string): void {
  for (const [field, type] of Object.entries(types)) {
    const value = fields[field];
    if (value === undefined || value === null || isOfType(value, type)) continue;
    throw new StatusError('BadRequest', `Service in version "v1" cannot be handled: ${path}.${field} is no ${type}`);
  }
}

function isOfType(value: Json, type: JsonType): boolean {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    case 'number or string':
      return typeof value === 'number' || typeof value === 'string';
    case 'list':
      return Array.isArray(value);
    case 'strings':
      return Array.isArray(value) && value.every((each) => typeof each === 'string');
    case 'map':
      return isJsonObject(value);
    case 'string map':
      return isJsonObject(value) && Object.values(value).every((each) => typeof each === 'string');
  }
}

function asMap(value: Json, path: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new StatusError('BadRequest', `Service in version "v1" cannot be handled: ${path} is no map`);
}

/** To the API null means that a field is not there. */
function withoutNulls(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
