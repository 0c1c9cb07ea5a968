/** A node between a client, as a pod behind tun0, and servers beyond eth0: three namespaces, with real TCP at both ends. */
import {
  createNamespace,
  deleteNamespace,
  inNamespace,
  iptablesRestore,
  iptablesSave,
  Netlink,
  writeSysctl,
} from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { ARTICLE_NODE, hostRules } from '@tenet/pipeline';
import { Ip, Prefix } from '@tenet/std';
import { sweep } from '../../test/integration/sweep.ts';

export const SERVER_IPS = [Ip.parse('192.0.2.20'), Ip.parse('192.0.2.21')];
export const SERVER_PORT = 8080;

const GATEWAY = Ip.parse('10.131.2.1');
const UPLINK = Ip.parse('192.0.2.1');
/** Not one of the cluster's, so that its way is the same with and without a service: no masquerade on either. */
const CLIENT = Ip.parse('10.200.0.10');
const EVERYWHERE = Prefix.parse('0.0.0.0/0');
/** Connections that nobody has accepted yet. */
const BACKLOG = 1 << 20;

export interface BenchNode extends Disposable {
  /** Paths of the namespaces. */
  readonly namespace: string;
  readonly client: string;
  readonly server: string;
}

export function benchNode(topic: string): BenchNode {
  const prefix = 'tenet-bench-services';
  sweep(prefix);
  const path = (who: string) => `/run/netns/${prefix}-${process.pid}-${topic}-${who}`;
  const [namespace, client, server] = [path('node'), path('client'), path('server')];
  for (const each of [namespace, client, server]) createNamespace(each);
  inNamespace(namespace, () => {
    writeSysctl('net.ipv4.ip_forward', 1);
    for (const conf of ['all', 'default'] as const) writeSysctl(`net.ipv4.conf.${conf}.rp_filter`, 0);
  });
  inNamespace(server, () => writeSysctl('net.core.somaxconn', BACKLOG));
  using node = Netlink.open(namespace);
  node.addVeth({ name: 'tun0', peer: { name: 'eth0', namespace: client } });
  node.addVeth({ name: 'eth0', peer: { name: 'eth0', namespace: server } });
  for (const link of ['tun0', 'eth0']) node.changeLink(link, { up: true });
  node.addAddress({ link: 'tun0', address: GATEWAY, prefixLength: 23, noPrefixRoute: true });
  node.addAddress({ link: 'eth0', address: UPLINK, prefixLength: 24 });
  for (const range of [Prefix.of(CLIENT, 32), ...ARTICLE_NODE.node.clusterNetworks, ARTICLE_NODE.node.serviceNetwork])
    node.replaceRoute({ destination: range, link: 'tun0' });
  attach(client, [CLIENT], GATEWAY);
  attach(server, SERVER_IPS, UPLINK);
  return {
    ...{ namespace, client, server },
    [Symbol.dispose]() {
      for (const each of [namespace, client, server]) deleteNamespace(each);
    },
  };
}

/** The host's rules, as on every node. */
export async function applyHostRules({ namespace }: BenchNode, serviceChains: boolean): Promise<void> {
  const installed = parseIptablesSave(await iptablesSave({ namespace }));
  const text = planRestore(hostRules(ARTICLE_NODE.node, { serviceChains }), installed);
  if (text !== undefined) await iptablesRestore(text, { namespace, noflush: true });
}

function attach(namespace: string, addresses: readonly Ip[], gateway: Ip): void {
  using netlink = Netlink.open(namespace);
  netlink.changeLink('eth0', { up: true });
  for (const address of addresses) netlink.addAddress({ link: 'eth0', address, prefixLength: 32 });
  netlink.replaceRoute({ destination: Prefix.of(gateway, 32), link: 'eth0' });
  netlink.replaceRoute({ destination: EVERYWHERE, gateway });
}
