import { type EndpointSlice, parseEndpointSlice, parseService, type Service } from '@tenet/model';
import { type ProxiedPort, ServiceTable } from '@tenet/proxy';
import { Prefix } from '@tenet/std';

/** What tests vary of the one service `alpha/web` at 172.30.0.10:80. */
export interface ServiceVariant {
  readonly portName?: string;
  readonly uid?: string;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly idledAt?: string;
  readonly hasAffinity?: boolean;
  /** At node port 30080 and external IP 192.0.2.9 too. */
  readonly isPublished?: boolean;
  readonly internalTrafficPolicy?: 'Cluster' | 'Local';
}

export function serviceOf({
  portName = '',
  uid = 'uid-1',
  protocol = 'TCP',
  idledAt,
  hasAffinity = false,
  isPublished = false,
  internalTrafficPolicy = 'Cluster',
}: ServiceVariant = {}): Service {
  return parseService({
    metadata: {
      ...{ namespace: 'alpha', name: 'web', uid },
      annotations: idledAt === undefined ? {} : { 'idling.alpha.openshift.io/idled-at': idledAt },
    },
    spec: {
      ...{ clusterIP: '172.30.0.10', clusterIPs: ['172.30.0.10'], internalTrafficPolicy },
      ports: [{ name: portName, protocol, port: 80, ...(isPublished && { nodePort: 30_080 }) }],
      ...(isPublished && { externalIPs: ['192.0.2.9'] }),
      ...(hasAffinity && { sessionAffinity: 'ClientIP' }),
    },
  });
}

/** Ready endpoints of that service at port 8080 of each address, all on the node `n2`. */
export function sliceOf(
  addresses: readonly string[],
  { portName = '', protocol = 'TCP' }: ServiceVariant = {},
): EndpointSlice {
  return parseEndpointSlice({
    metadata: { namespace: 'alpha', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true }, nodeName: 'n2' })),
    ports: [{ name: portName, protocol, port: 8080 }],
  });
}

/** A table as the node `n1` has it. */
export function serviceTable(): ServiceTable {
  return new ServiceTable({
    name: 'n1',
    clusterNetworks: [Prefix.parse('10.128.0.0/14')],
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    nodePortAddresses: [],
  });
}

/** The one port of the service, without endpoints. */
export function portOf(variant: ServiceVariant = {}): ProxiedPort {
  const table = serviceTable();
  table.setService('alpha/web', serviceOf(variant));
  const [port] = table.ports().values();
  if (port === undefined) throw new RangeError('the service has no port');
  return port;
}
