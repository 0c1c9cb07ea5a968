import { Gauge, type Registry } from 'prom-client';
import type { NodeStatus } from '../status/node-status.ts';

/** One gauge: its labels, and its series as of a status. What is not known has no series. */
interface GaugeSpec {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly series: (status: NodeStatus) => readonly (readonly [value: number | null, ...labels: string[]])[];
}

const one = (value: number | null | undefined) => [[value ?? null]] as const;
const seconds = (moment: string | null) => (moment === null ? null : Date.parse(moment) / 1000);

/** Everything that a status says in numbers. */
const GAUGES: Readonly<Record<string, GaugeSpec>> = {
  tenet_build_info: {
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'node_version'],
    series: ({ version }) => [[1, version, process.version]],
  },
  tenet_node_ready: {
    help: '1 when the node carries pods, else 0.',
    series: ({ state }) => one(state === 'ready' ? 1 : 0),
  },
  tenet_problems: {
    help: 'How many things are wrong; `tenet node status` says which.',
    series: ({ problems }) => one(problems.length),
  },
  tenet_connected: {
    help: '1 while the daemon of Open vSwitch is connected, else 0.',
    labels: ['to'],
    series: ({ openvswitch: { ovsdb, vswitchd } }) => [
      [Number(ovsdb.connected), 'ovsdb'],
      [Number(vswitchd.connected), 'vswitchd'],
    ],
  },
  tenet_openvswitch_info: {
    help: 'Always 1; the labels say which Open vSwitch runs.',
    labels: ['version', 'datapath', 'fragment_mode'],
    series: ({ openvswitch: { version, fragmentMode }, datapath }) => [
      [version === null || fragmentMode === null ? null : 1, version ?? '', datapath, fragmentMode ?? ''],
    ],
  },
  tenet_iptables_info: {
    help: 'Always 1; the label says in which variant the rules are.',
    labels: ['variant'],
    series: ({ iptables }) => [[iptables === null ? null : 1, iptables ?? '']],
  },
  tenet_foreign_iptables_rules: {
    help: 'Rules of others in the variant of iptables that does not hold those of the node.',
    series: ({ otherIptablesRules }) => one(otherIptablesRules),
  },
  tenet_flows_installed: {
    help: "Flows in br0 by their cookies' kind; a stranger is nobody's.",
    labels: ['kind'],
    series: ({ flows }) => flows.map(({ kind, installed }) => [installed, kind]),
  },
  tenet_flows_desired: {
    help: "Flows that should be in br0, by their cookies' kind.",
    labels: ['kind'],
    series: ({ flows }) => flows.map(({ kind, desired }) => [desired, kind]),
  },
  tenet_leases_in_use: {
    help: 'Addresses of the node that are leased to pods.',
    series: ({ leases }) => one(leases?.used),
  },
  tenet_leases_capacity: {
    help: 'Addresses of the node that pods can have.',
    series: ({ leases }) => one(leases?.capacity),
  },
  tenet_pods_wired: { help: 'Pods that have a port on br0.', series: ({ pods }) => one(pods.wired) },
  tenet_pods_with_problem: {
    help: 'Pods with a port on br0 that are not carried as they should be.',
    series: ({ pods }) => one(pods.withProblem.length),
  },
  tenet_peers: { help: 'Other nodes that tunnels lead to.', series: ({ peers }) => one(peers.count) },
  tenet_peers_refused: {
    help: 'Other nodes that are left out, since their HostSubnet cannot be believed.',
    series: ({ peers }) => one(peers.refused.length),
  },
  tenet_reconcile_last_success_timestamp_seconds: {
    help: 'When a step of the reconcile passes last ended well.',
    labels: ['step'],
    series: ({ reconcile: { steps } }) => steps.map(({ step, lastSuccess }) => [seconds(lastSuccess), step]),
  },
};

/** The gauges that follow from a status; `show` sets them all. */
export class StatusGauges {
  readonly #gauges: readonly (readonly [Gauge, GaugeSpec])[];

  constructor(registry: Registry) {
    this.#gauges = Object.entries(GAUGES).map(([name, spec]) => {
      const { help, labels = [] } = spec;
      return [new Gauge({ name, help, labelNames: [...labels], registers: [registry] }), spec];
    });
  }

  show(status: NodeStatus): void {
    for (const [gauge, { labels = [], series }] of this.#gauges) {
      // Series of what is gone must not stay; without labels a reset leaves a zero.
      gauge.reset();
      if (labels.length === 0) gauge.remove();
      for (const [value, ...of] of series(status)) {
        if (value !== null) gauge.set(Object.fromEntries(labels.map((label, at) => [label, of[at] ?? ''])), value);
      }
    }
  }
}
