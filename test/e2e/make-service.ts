/** Services of a test, made through the API with endpoints written by hand, so that a test says exactly who is behind them. */
import { LABEL, type ServiceObject } from '@tenet/model';
import { Ip } from '@tenet/std';
import type { PrivateLab } from './private-lab.ts';

type Spec = ServiceObject['spec'];
type Ports = NonNullable<Spec['ports']>;

/** Who is behind a service. */
export interface EndpointWish {
  readonly ip: Ip;
  /** Without one it is of no node. */
  readonly node?: string;
}

export interface ServiceWish {
  /** `alpha/of-both`. */
  readonly name: string;
  /** All but the type is as the API makes it, unless told. */
  readonly spec?: Spec;
  /** An address of a load balancer. */
  readonly loadBalancerIp?: string;
  readonly endpoints: readonly EndpointWish[];
}

export interface MadeService extends AsyncDisposable {
  readonly name: string;
  readonly clusterIp: Ip;
  readonly healthCheckNodePort: number | undefined;
  /** By the name of a port; a RangeError without one. */
  nodePort(portName: string): number;
  /** Writes the slice anew. Times from here are times from the API write. */
  setEndpoints(endpoints: readonly EndpointWish[]): Promise<void>;
}

/** What every answerer serves: HTTP on port 80 and datagrams. */
export const ANSWERER_PORTS = [
  { name: 'http', port: 80, targetPort: 8080 },
  { name: 'echo', protocol: 'UDP', port: 8081 },
] as const satisfies Ports;

/** Makes a service and its slice. Both go at the end of the block. */
export async function makeService({ kube }: Pick<PrivateLab, 'kube'>, wish: ServiceWish): Promise<MadeService> {
  const [namespace = '', name = ''] = wish.name.split('/');
  const sliceName = `${name}-by-hand`;
  const ref = { namespace, name };
  await using made = new AsyncDisposableStack();

  const created = await kube.create('Service', {
    metadata: ref,
    spec: {
      type: wish.loadBalancerIp === undefined ? 'ClusterIP' : 'LoadBalancer',
      ports: ANSWERER_PORTS,
      ...wish.spec,
    },
  });
  made.defer(async () => void (await kube.delete('Service', ref)));
  if (wish.loadBalancerIp !== undefined)
    await kube.patch(
      'Service',
      { ...ref, subresource: 'status' },
      { status: { loadBalancer: { ingress: [{ ip: wish.loadBalancerIp }] } } },
    );
  const { clusterIP = '', ports = [], healthCheckNodePort } = created.spec;
  await kube.create('EndpointSlice', {
    metadata: { namespace, name: sliceName, labels: { [LABEL.serviceName]: name } },
    addressType: 'IPv4',
    endpoints: wish.endpoints.map(endpointOf),
    ports: ports.map(slicePortOf),
  });
  made.defer(async () => void (await kube.delete('EndpointSlice', { namespace, name: sliceName })));

  const stack = made.move();
  return {
    name: wish.name,
    clusterIp: Ip.parse(clusterIP),
    healthCheckNodePort,
    nodePort(portName) {
      const { nodePort } = ports.find((port) => port.name === portName) ?? {};
      if (nodePort === undefined) throw new RangeError(`${wish.name} has no node port ${portName}`);
      return nodePort;
    },
    async setEndpoints(endpoints) {
      await kube.patch('EndpointSlice', { namespace, name: sliceName }, { endpoints: endpoints.map(endpointOf) });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function endpointOf({ ip, node }: EndpointWish) {
  return {
    addresses: [ip.toString()],
    conditions: { ready: true },
    ...(node === undefined ? {} : { nodeName: node }),
  };
}

function slicePortOf({ name, protocol, port, targetPort }: Ports[number]) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(protocol === undefined ? {} : { protocol }),
    port: Number(targetPort ?? port),
  };
}
