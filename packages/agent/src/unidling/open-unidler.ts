import type { KubeClient } from '@tenet/kube';
import type { ServiceTable } from '@tenet/proxy';
import type { Clock, Ip, Logger } from '@tenet/std';
import type { Portals } from '../services/service-forwarding.ts';
import type { Cluster } from '../watch-cluster.ts';
import { forgetDatagrams } from './forget-datagrams.ts';
import { mayJoin } from './may-join.ts';
import { NodePortals } from './node-portals.ts';
import { recordNeedPods } from './record-need-pods.ts';
import { Unidler } from './unidler.ts';

/** Settings of `openUnidler`. */
export interface OpenUnidlerOptions {
  readonly client: KubeClient;
  readonly cluster: Pick<Cluster, 'services' | 'netNamespaces'>;
  /** This node's address in its subnet, on tun0. */
  readonly gateway: Ip;
  /** Told where the clients of ports that sleep are to be led. */
  readonly setPortal: ServiceTable['setPortal'];
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A node's unidler with all that it needs; disposing it ends every connection that came through it. */
export function openUnidler(options: OpenUnidlerOptions): Portals {
  const { client, cluster, gateway, setPortal, clock, random, log, signal } = options;
  const owned = new DisposableStack();
  const portals = owned.use(new NodePortals({ address: gateway }));
  const vnidOf = (namespace: string) => cluster.netNamespaces.get(namespace)?.vnid;
  const unidler = owned.use(
    new Unidler({
      services: cluster.services,
      address: gateway,
      sockets: portals,
      record: (service, port) => recordNeedPods(client, { service, port, clock }),
      mayJoin: (ip, namespace) => mayJoin(ip, { client, vnidOf, namespace, signal }),
      forgetDatagrams,
      ...{ setPortal, clock, random, log },
    }),
  );
  return {
    look: (ports) => unidler.look(ports),
    installed: (ports) => unidler.installed(ports),
    [Symbol.dispose]: () => owned.dispose(),
  };
}
