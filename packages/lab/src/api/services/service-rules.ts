import { Ip, type Prefix } from '@tenet/std';
import { FieldProblems } from '../field-problems.ts';
import type { JsonObject } from '../json.ts';
import type { KindRules } from '../kind-rules.ts';
import { keyText, type StoredObject } from '../object.ts';
import { defaultService, hasHealthCheck, hasNodePorts, keepGiven } from './default-service.ts';
import { NumberPool } from './number-pool.ts';
import { type ServiceSpec, serviceSpecOf } from './service-spec.ts';
import { validateService } from './validate-service.ts';

/** The flag `--service-node-port-range` of kube-apiserver, as it is without it. */
const NODE_PORTS = { first: 30_000, last: 32_767 };
/** RFC 1035 §2.3.1: a service's name may be asked of a DNS server. */
const SERVICE_NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const RESOURCE = { kind: 'Service', group: '' };

/**
 * Services as kube-apiserver takes them: defaults, what it refuses, and what it hands out of its own accord, cluster
 * IPs from the service network and node ports, each to one service. IPv4 only.
 */
export class ServiceRules implements KindRules {
  readonly #network: Prefix;
  readonly #ips: NumberPool;
  /** By protocol: what listens on a port of TCP is in nobody's way on UDP. */
  readonly #nodePorts = new Map(
    ['TCP', 'UDP', 'SCTP'].map((protocol) => [protocol, new NumberPool({ ...NODE_PORTS, bandSize: 86 })]),
  );

  constructor(serviceNetwork: Prefix) {
    this.#network = serviceNetwork;
    // Not the network's own address, not the first, which is the API server's in every cluster, and not the last.
    const last = Number(serviceNetwork.size) - 2;
    this.#ips = new NumberPool({ first: 1, last, bandSize: Math.min(Math.max(16, last >> 4), 256) });
    this.#ips.take(1, 'default/kubernetes');
  }

  admit<O extends JsonObject & { readonly metadata: JsonObject }>(object: O, before: StoredObject | undefined): O {
    const { name, namespace } = object.metadata;
    const key = `${namespace}/${name}`;
    const problems = new FieldProblems();
    if (before === undefined && !SERVICE_NAME.test(String(name)))
      problems.invalid(
        'metadata.name',
        name,
        'a DNS-1035 label must begin with a letter and have at most 63 characters',
      );
    const asked = serviceSpecOf(object.spec);
    const last = before && serviceSpecOf(before.spec);
    const spec = defaultService(last === undefined ? withBothIps(asked) : keepGiven(asked, last));
    validateService(spec, problems);
    if (last !== undefined) demandUnchanged(spec, last, problems);
    const ip = this.#clusterIp(spec, key, problems);
    const ports = this.#withNodePorts(spec, key, problems);
    const check = this.#healthCheckPort(spec, { key, ports, problems });
    problems.throwIfAny(RESOURCE, String(name));
    return {
      ...object,
      spec: {
        ...spec,
        ...(ip === undefined ? {} : { clusterIP: ip, clusterIPs: [ip] }),
        ...(ports === undefined ? {} : { ports }),
        ...(check === undefined ? {} : { healthCheckNodePort: check }),
      },
    };
  }

  stored(now: StoredObject | undefined, before: StoredObject | undefined): void {
    for (const [object, verb] of [
      [before, 'release'],
      [now, 'take'],
    ] as const) {
      if (object === undefined) continue;
      const owner = keyText(object.metadata);
      const spec = serviceSpecOf(object.spec);
      const at = this.#offsetOf(spec.clusterIP);
      if (at !== undefined) this.#ips[verb](at, owner);
      for (const { protocol = 'TCP', nodePort } of [...(spec.ports ?? []), healthPort(spec)])
        if (nodePort !== undefined) this.#nodePorts.get(protocol)?.[verb](nodePort, owner);
    }
  }

  #clusterIp(spec: ServiceSpec, key: string, problems: FieldProblems): string | undefined {
    const { type, clusterIP = '', clusterIPs = [] } = spec;
    if (type === 'ExternalName') return undefined;
    if (clusterIPs.length > 1) problems.invalid('spec.clusterIPs', clusterIPs, 'this cluster has one IP family: IPv4');
    if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP)
      problems.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`');
    if (clusterIP === 'None') return clusterIP;
    if (clusterIP === '') {
      const next = this.#ips.next(new Set());
      if (next === undefined) problems.invalid('spec.clusterIPs', [], 'failed to allocate a serviceIP: range is full');
      return next === undefined ? undefined : String(this.#network.address.plus(next));
    }
    const at = this.#offsetOf(clusterIP);
    const refused = `failed to allocate IP ${clusterIP}: the provided IP (${clusterIP})`;
    if (at === undefined || !this.#ips.has(at)) {
      const why = `${refused} is not in the valid range. The range of valid IPs is ${this.#network}`;
      problems.invalid('spec.clusterIPs', [clusterIP], why);
    } else if (this.#ips.isTaken(at, key)) {
      problems.invalid(
        'spec.clusterIPs',
        [clusterIP],
        `failed to allocate IP ${clusterIP}: provided IP is already allocated`,
      );
    }
    return clusterIP;
  }

  #withNodePorts(spec: ServiceSpec, key: string, problems: FieldProblems): ServiceSpec['ports'] {
    const chosen = new Map<string, Set<number>>();
    const choose = (protocol: string, nodePort: number) => {
      chosen.set(protocol, (chosen.get(protocol) ?? new Set()).add(nodePort));
      return nodePort;
    };
    for (const { protocol = 'TCP', nodePort } of spec.ports ?? []) if (nodePort) choose(protocol, nodePort);
    return spec.ports?.map(({ nodePort = 0, ...port }, at) => {
      const pool = this.#nodePorts.get(port.protocol ?? 'TCP');
      const field = `spec.ports[${at}].nodePort`;
      if (pool === undefined) return port;
      if (nodePort !== 0) {
        sayIfNotFree(pool, { number: nodePort, key, field, problems });
        return { ...port, nodePort };
      }
      if (!hasNodePorts(spec)) return port;
      const next = pool.next(chosen.get(port.protocol ?? 'TCP') ?? new Set());
      if (next === undefined) problems.invalid(field, 0, 'failed to allocate a nodePort: range is full');
      return next === undefined ? port : { ...port, nodePort: choose(port.protocol ?? 'TCP', next) };
    });
  }

  #healthCheckPort(spec: ServiceSpec, { key, ports = [], problems }: HealthCheckFacts): number | undefined {
    if (!hasHealthCheck(spec)) return undefined;
    const pool = this.#nodePorts.get('TCP');
    const field = 'spec.healthCheckNodePort';
    const asked = spec.healthCheckNodePort || undefined;
    if (pool === undefined || asked !== undefined) {
      if (pool !== undefined && asked !== undefined) sayIfNotFree(pool, { number: asked, key, field, problems });
      return asked;
    }
    const taken = new Set(
      ports.flatMap(({ protocol, nodePort }) => (protocol === 'TCP' && nodePort ? [nodePort] : [])),
    );
    return pool.next(taken);
  }

  /** Counted from the network's address; undefined for what is no address of it. */
  #offsetOf(clusterIp: string | undefined): number | undefined {
    if (clusterIp === undefined || !/^\d+\.\d+\.\d+\.\d+$/.test(clusterIp)) return undefined;
    try {
      const ip = Ip.parse(clusterIp);
      return this.#network.contains(ip) ? Number(ip.value - this.#network.address.value) : undefined;
    } catch {
      return undefined;
    }
  }
}

interface HealthCheckFacts {
  readonly key: string;
  readonly ports: ServiceSpec['ports'];
  readonly problems: FieldProblems;
}

interface PortWish {
  readonly number: number;
  readonly key: string;
  readonly field: string;
  readonly problems: FieldProblems;
}

function sayIfNotFree(pool: NumberPool, { number, key, field, problems }: PortWish): void {
  const { first, last } = NODE_PORTS;
  const range = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
  if (!pool.has(number)) problems.invalid(field, number, range);
  else if (pool.isTaken(number, key)) problems.invalid(field, number, 'provided port is already allocated');
}

function healthPort({ healthCheckNodePort }: ServiceSpec): { readonly protocol: string; readonly nodePort?: number } {
  return { protocol: 'TCP', ...(healthCheckNodePort ? { nodePort: healthCheckNodePort } : {}) };
}

/** The old field and the new one say the same. */
function withBothIps(spec: ServiceSpec): ServiceSpec {
  const { clusterIP, clusterIPs } = spec;
  return clusterIP && clusterIPs === undefined ? { ...spec, clusterIPs: [clusterIP] } : spec;
}

/** Clients may hold a cluster IP for as long as the service lives. */
function demandUnchanged(spec: ServiceSpec, before: ServiceSpec, problems: FieldProblems): void {
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return;
  if (before.clusterIP && spec.clusterIP !== before.clusterIP)
    problems.invalid('spec.clusterIPs[0]', [spec.clusterIP ?? ''], 'may not change once set');
  if (hasHealthCheck(spec) && hasHealthCheck(before) && spec.healthCheckNodePort !== before.healthCheckNodePort)
    problems.invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, 'field is immutable');
}
