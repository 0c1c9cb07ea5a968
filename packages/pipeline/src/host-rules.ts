import { type DesiredRules, type DesiredTable, type Jump, parseRule, type Rule } from '@tenet/netfilter';
import type { NodeNetwork } from './node-network.ts';

/** A rule in the words of iptables, and why it is there. */
interface HostRule {
  readonly rule: string;
  readonly why: string;
  /** The name under which the drops of this rule are counted; several rules may share one. */
  readonly guard?: string;
}

/** A chain that the host's rules call, and the one rule by which a chain of the kernel calls it. */
interface HostChain {
  readonly name: string;
  readonly calledFrom: string;
  /** What the calling rule matches, before its `-j`. */
  readonly when?: string;
  readonly position: Jump['position'];
  /** Absent for a chain that somebody else fills: made when missing and never touched. */
  readonly rules?: readonly HostRule[];
  /** Who that is. */
  readonly filledBy?: 'the administrator' | 'the service rules';
}

/** What else the host's rules depend on. */
export interface HostRulesOptions {
  /**
   * Services are forwarded by chains of iptables, as kube-proxy lays them out: they are called, and made when missing.
   * Otherwise nothing is said of them. False unless given.
   */
  readonly serviceChains?: boolean;
}

/** Where an administrator puts rules about what leaves the cluster, as openshift-sdn had it. */
const ADMIN_CHAIN = 'OPENSHIFT-ADMIN-OUTPUT-RULES';

/** A chain of the service rules, the chain of the kernel that calls it, and the comment by which people know the call. */
interface ServiceChain {
  readonly name: string;
  readonly calledFrom: string;
  readonly comment: string;
  /** Only what begins a connection. */
  readonly onlyNew?: boolean;
}

/** Where the kernel's chains call those of services: comments and conditions are kube-proxy's. */
// biome-ignore format: columns are the documentation
const SERVICE_CHAINS = {
  input: [
    { calledFrom: 'INPUT', name: 'KUBE-PORTALS', comment: 'portals of sleeping services' },
    { calledFrom: 'INPUT', name: 'KUBE-PROXY-FIREWALL', comment: 'kubernetes load balancer firewall', onlyNew: true },
    { calledFrom: 'INPUT', name: 'KUBE-NODEPORTS', comment: 'kubernetes health check service ports' },
    { calledFrom: 'INPUT', name: 'KUBE-EXTERNAL-SERVICES', comment: 'kubernetes externally-visible service portals', onlyNew: true },
  ],
  forward: [
    { calledFrom: 'FORWARD', name: 'KUBE-PROXY-FIREWALL', comment: 'kubernetes load balancer firewall', onlyNew: true },
    { calledFrom: 'FORWARD', name: 'KUBE-FORWARD', comment: 'kubernetes forwarding rules' },
    { calledFrom: 'FORWARD', name: 'KUBE-SERVICES', comment: 'kubernetes service portals', onlyNew: true },
    { calledFrom: 'FORWARD', name: 'KUBE-EXTERNAL-SERVICES', comment: 'kubernetes externally-visible service portals', onlyNew: true },
  ],
  output: [
    { calledFrom: 'OUTPUT', name: 'KUBE-PROXY-FIREWALL', comment: 'kubernetes load balancer firewall', onlyNew: true },
    { calledFrom: 'OUTPUT', name: 'KUBE-SERVICES', comment: 'kubernetes service portals', onlyNew: true },
    // Not so with kube-proxy: what the node sends to a published address that has no endpoints leaves for the world there.
    { calledFrom: 'OUTPUT', name: 'KUBE-EXTERNAL-SERVICES', comment: 'kubernetes externally-visible service portals', onlyNew: true },
  ],
  nat: [
    { calledFrom: 'PREROUTING', name: 'KUBE-SERVICES', comment: 'kubernetes service portals' },
    { calledFrom: 'OUTPUT', name: 'KUBE-SERVICES', comment: 'kubernetes service portals' },
    { calledFrom: 'POSTROUTING', name: 'KUBE-POSTROUTING', comment: 'kubernetes postrouting rules' },
  ],
} satisfies Record<string, readonly ServiceChain[]>;

/**
 * From outside through a service to an endpoint outside, such as a pod with another node's address. KUBE-FORWARD accepts
 * that too, where there is one, and the bit is kube-proxy's; but a table of nftables cannot accept what iptables' own
 * policy drops.
 */
const FROM_OUTSIDE_TO_OUTSIDE: readonly HostRule[] = [
  { rule: '-m mark --mark 0x4000/0x4000 -j ACCEPT', why: 'from outside through a service to outside' },
  {
    rule: '-m conntrack --ctstate DNAT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    why: 'what follows it',
  },
];

/** Chains whose names begin so are ours. */
const OWN_CHAINS = 'TENET-';

/**
 * The host's rules by table, in the order in which their chains are called. They guard what the flow tables cannot
 * see: what enters the host from outside, and what the host itself translates.
 */
export function hostChains(
  { clusterNetworks, serviceNetwork, vxlanPort }: NodeNetwork,
  { serviceChains = false }: HostRulesOptions = {},
): Readonly<Record<string, readonly HostChain[]>> {
  const services = (chains: readonly ServiceChain[]): readonly HostChain[] =>
    serviceChains ? chains.map(serviceChain) : [];
  const perCluster = (make: (cluster: string) => string, why: string, guard?: string): HostRule[] =>
    clusterNetworks.map((cluster) => ({ rule: make(cluster.toString()), why, ...(guard && { guard }) }));
  return {
    raw: [
      {
        name: 'TENET-PREROUTING',
        calledFrom: 'PREROUTING',
        position: 'first',
        rules: [
          { rule: '-i lo -j RETURN', why: 'the node talking to itself' },
          {
            rule: `! -i tun0 -d ${serviceNetwork} -j DROP`,
            why: 'services are for pods and this node',
            guard: 'outside-to-service',
          },
          ...perCluster(
            (cluster) => `! -i tun0 -s ${cluster} -j DROP`,
            "outside forging a pod: table 25 would give it the pod's VNID",
            'outside-forging-pod',
          ),
          {
            rule: `! -i tun0 -s ${serviceNetwork} -j DROP`,
            why: "outside forging a service's reply",
            guard: 'outside-forging-service',
          },
          { rule: `! -i tun0 -p udp --dport ${vxlanPort} -j NOTRACK`, why: 'tunnels need no conntrack' },
        ],
      },
      {
        name: 'TENET-OUTPUT',
        calledFrom: 'OUTPUT',
        position: 'first',
        rules: [{ rule: `-p udp --dport ${vxlanPort} -j NOTRACK`, why: 'tunnels need no conntrack' }],
      },
    ],
    filter: [
      // Before all that accepts.
      ...services(SERVICE_CHAINS.input),
      {
        name: 'TENET-INPUT',
        calledFrom: 'INPUT',
        position: 'first',
        rules: [
          {
            rule: `-i tun0 -p udp --dport ${vxlanPort} -j DROP`,
            why: 'no pod speaks as a tunnel',
            guard: 'pod-as-tunnel',
          },
          {
            rule: `-p udp --dport ${vxlanPort} -m conntrack --ctstate DNAT -j DROP`,
            why: "who comes by a node port bears a node's address: an endpoint at the tunnel's port would hear a peer",
            guard: 'translated-tunnel',
          },
          { rule: `-p udp --dport ${vxlanPort} -j ACCEPT`, why: 'other nodes do' },
          { rule: '-i tun0 -j ACCEPT', why: 'pods reach their node' },
        ],
      },
      {
        name: 'TENET-GUARD',
        calledFrom: 'FORWARD',
        position: 'first',
        rules: [
          {
            rule: `-p udp --dport ${vxlanPort} -j DROP`,
            why: 'after translation: tunnel packets are never forwarded, whoever addressed them how',
            guard: 'forwarded-tunnel',
          },
          ...perCluster(
            (cluster) => `-s ${cluster} -m conntrack --ctstate INVALID -j DROP`,
            "it would leave with a pod's address",
            'untracked-pod',
          ),
          {
            rule: '! -i tun0 -o tun0 -m conntrack --ctstate NEW -m conntrack ! --ctstate DNAT -j DROP',
            why: 'from outside to a pod only through a service',
            guard: 'outside-to-pod',
          },
        ],
      },
      // Behind the guard, which what they accept must not pass; before the accepting chain, which knows no refusal.
      ...services(SERVICE_CHAINS.forward),
      {
        name: ADMIN_CHAIN,
        calledFrom: 'FORWARD',
        when: '-i tun0 ! -o tun0',
        position: 'last',
        filledBy: 'the administrator',
      },
      {
        name: 'TENET-FORWARD',
        calledFrom: 'FORWARD',
        position: 'last',
        rules: [
          ...perCluster((cluster) => `-d ${cluster} -j ACCEPT`, 'to pods'),
          ...perCluster((cluster) => `-s ${cluster} -j ACCEPT`, 'from pods'),
          ...FROM_OUTSIDE_TO_OUTSIDE,
        ],
      },
      ...services(SERVICE_CHAINS.output),
    ],
    nat: [
      ...services(SERVICE_CHAINS.nat),
      {
        name: 'TENET-MASQUERADE',
        calledFrom: 'POSTROUTING',
        position: 'last',
        rules: [
          // In two steps, so that it is right for several cluster networks too.
          ...perCluster((cluster) => `-d ${cluster} -j RETURN`, 'pod to pod keeps its address'),
          ...perCluster((cluster) => `-s ${cluster} -j MASQUERADE`, "pod to outside bears the node's"),
        ],
      },
    ],
  };
}

/** The host's rules as netfilter is to have them. */
export function hostRules(node: NodeNetwork, options: HostRulesOptions = {}): DesiredRules {
  const tables = Object.entries(hostChains(node, options)).map(
    ([table, chains]): DesiredTable => ({
      table,
      chains: new Map(
        chains.flatMap(({ name, rules }) =>
          rules === undefined ? [] : [[name, rules.map(({ rule }) => parseRule(rule))]],
        ),
      ),
      sharedChains: [...new Set(chains.filter(({ rules }) => rules === undefined).map(({ name }) => name))],
      jumps: chains.map(({ name, calledFrom, when = '', position }) => ({
        chain: calledFrom,
        rule: parseRule(`${when} -j ${name}`.trim()),
        position,
      })),
    }),
  );
  return { tables, ownedPrefixes: [OWN_CHAINS] };
}

function serviceChain({ name, calledFrom, comment, onlyNew = false }: ServiceChain): HostChain {
  const state = onlyNew ? '-m conntrack --ctstate NEW ' : '';
  return {
    name,
    calledFrom,
    when: `${state}-m comment --comment "${comment}"`,
    position: 'first',
    filledBy: 'the service rules',
  };
}

/** A rule that drops what nobody may send, in its place. */
export interface HostGuard {
  /** Stable: metrics bear it. */
  readonly guard: string;
  readonly table: string;
  readonly chain: string;
  readonly rule: Rule;
  readonly why: string;
}

/** The rules that drop, each under the name of what it guards against. */
export function hostGuards(node: NodeNetwork): readonly HostGuard[] {
  return Object.entries(hostChains(node)).flatMap(([table, chains]) =>
    chains.flatMap(({ name: chain, rules = [] }) =>
      rules.flatMap(({ rule, why, guard }) =>
        guard === undefined ? [] : [{ guard, table, chain, rule: parseRule(rule), why }],
      ),
    ),
  );
}
