import type { Ip, Prefix } from '@tenet/std';
import type { Portal, ProxiedEndpoint, ProxiedPort } from './proxied-port.ts';

/** Whether two say the same, so that the older object may stand for both. */
export function isSamePort(a: ProxiedPort, b: ProxiedPort): boolean {
  return FIELDS.every((field) => isSameField(field, a, b));
}

type Same = { readonly [F in keyof Required<ProxiedPort>]: (a: ProxiedPort[F], b: ProxiedPort[F]) => boolean };

/** A field that is added to ProxiedPort must be added here: the type asks for it. */
const SAME: Same = {
  namespace: Object.is,
  service: Object.is,
  portName: Object.is,
  protocol: Object.is,
  clusterIp: isSameValue,
  port: Object.is,
  nodePort: Object.is,
  healthCheckNodePort: Object.is,
  externalIps: isSameList<Ip>(isSameValue),
  loadBalancerIps: isSameList<Ip>(isSameValue),
  sourceRanges: isSameList<Prefix>(isSameValue),
  affinitySeconds: Object.is,
  internalTrafficPolicy: Object.is,
  externalTrafficPolicy: Object.is,
  clusterEndpoints: isSameList(isSameSocket),
  localEndpoints: isSameList(isSameSocket),
  hasEndpointsSomewhere: Object.is,
  portal: (a, b) => a === b || (a !== undefined && b !== undefined && isSameSocket(a, b)),
};

const FIELDS = Object.keys(SAME) as (keyof Same)[];

function isSameField<F extends keyof Same>(field: F, a: ProxiedPort, b: ProxiedPort): boolean {
  return SAME[field](a[field], b[field]);
}

function isSameValue<T extends { equals(other: T): boolean }>(a: T, b: T): boolean {
  return a.equals(b);
}

export function isSameSocket(a: ProxiedEndpoint | Portal, b: ProxiedEndpoint | Portal): boolean {
  return a.port === b.port && a.ip.equals(b.ip);
}

function isSameList<T>(isSame: (a: T, b: T) => boolean): (a: readonly T[], b: readonly T[]) => boolean {
  return (a, b) =>
    a.length === b.length &&
    a.every((item, at) => {
      const other = b[at];
      return other !== undefined && isSame(item, other);
    });
}
