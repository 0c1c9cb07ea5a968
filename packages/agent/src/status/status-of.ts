import { DROP_CLASSES, type DropClass, hostGuards, OF_PORT } from '@tenet/pipeline';
import type { TenetError } from '@tenet/std';
import manifest from '../../package.json' with { type: 'json' };
import type { AgentConfig } from '../config.ts';
import { peersOf } from '../peers.ts';
import { BRIDGE, wiredPods } from '../wired-pods.ts';
import { nodeProblems } from './node-problems.ts';
import type { NodeStatus } from './node-status.ts';
import type { NodeView } from './node-view.ts';
import { podProblems } from './pod-problems.ts';
import { countByKind, FLOW_KINDS, type SwitchReading } from './read-switch.ts';
import type { StepRecord } from './step-record.ts';

/** Everything that a status is made from. */
export interface StatusFacts {
  readonly config: AgentConfig;
  readonly startedMs: number;
  /** What the start waits for; undefined once the node was ready. */
  readonly waitsFor: string | undefined;
  readonly unready: string | undefined;
  /** Undefined until there is a core. */
  readonly view: NodeView | undefined;
  /** What the switch said of itself; undefined when it did not. */
  readonly reading: SwitchReading | undefined;
  readonly unanswered: TenetError | undefined;
  /** Of ovs-vswitchd. */
  readonly version: string | undefined;
  readonly drops: ReadonlyMap<DropClass, bigint>;
  /** By the names of the host's guards. */
  readonly guards: ReadonlyMap<string, bigint>;
  readonly steps: StepRecord;
  readonly notServed: readonly unknown[];
  readonly bridgeSocket: string;
}

/** The network address, the gateway and the broadcast address of a subnet are no pod's. */
const NO_POD_HAS = 3n;

/** The status that the facts amount to. */
export function statusOf(facts: StatusFacts): NodeStatus {
  const { config, startedMs, waitsFor, unready, view, drops, steps, notServed, bridgeSocket, unanswered } = facts;
  const { node } = view ?? {};
  const parts = {
    subnet: node?.subnet.toString() ?? null,
    openvswitch: openVSwitchOf(facts),
    leases: node && view ? { used: view.leases, capacity: Number(node.subnet.size - NO_POD_HAS) } : null,
    pods: podsOf(view),
    peers: peersIn(view, config.nodeName),
    iptables: view?.iptables ?? null,
    otherIptablesRules: view?.otherIptablesRules ?? null,
    services: servicesOf(view),
  };
  const started = unready === undefined ? 'ready' : 'degraded';
  return {
    node: config.nodeName,
    version: manifest.version,
    state: waitsFor === undefined ? started : 'starting',
    startedAt: momentOf(startedMs),
    datapath: config.datapath,
    ip: node?.nodeIp.toString() ?? null,
    ...parts,
    flows: flowsOf(facts),
    drops: [...drops].map(([name, packets]) => ({
      class: name,
      packets: Number(packets),
      means: DROP_CLASSES[name].means,
      alarming: 'alarming' in DROP_CLASSES[name],
    })),
    guards: guardsOf(facts),
    reconcile: reconcileOf(steps),
    problems: nodeProblems({
      waitsFor,
      status: view === undefined ? undefined : parts,
      database: config.openvswitch.database,
      bridgeSocket,
      unanswered,
      steps: steps.states,
      notServed: [view?.services?.problem, ...notServed].filter((error) => error !== undefined),
    }),
  };
}

function openVSwitchOf({ view, reading, version }: StatusFacts): NodeStatus['openvswitch'] {
  const cache = view?.ovs.cache;
  const uuid = cache?.root?.datapaths.get(view?.node.datapath ?? '');
  const datapath = uuid === undefined ? undefined : cache?.rows.Datapath.get(uuid);
  return {
    version: version ?? null,
    // Empty where the datapath does not say.
    datapathVersion: datapath?.datapath_version || null,
    ovsdb: { connected: view?.ovs.isConnected ?? false },
    vswitchd: { connected: view?.connection !== undefined },
    fragmentMode: reading?.fragmentMode ?? null,
    bridge: BRIDGE,
    ports: Object.entries(OF_PORT).map(([name, expected]) => {
      const ofPort = cache?.interface(name)?.ofport;
      // -1: the switch could not make the port (ovs-vswitchd.conf.db(5), Interface, ofport).
      return { name, ofPort: ofPort === undefined || ofPort < 0 ? null : ofPort, expected };
    }),
  };
}

function podsOf(view: NodeView | undefined): NodeStatus['pods'] {
  if (view === undefined) return { wired: 0, withProblem: [] };
  const { node, cluster, ovs } = view;
  const pods = wiredPods(ovs.cache);
  const withProblem = podProblems(pods, {
    subnet: node.subnet,
    vnidOf: (namespace) => cluster.netNamespaces.get(namespace)?.vnid,
    errorOf: (hostVeth) => ovs.cache.interface(hostVeth)?.error,
  });
  return { wired: pods.length, withProblem };
}

function peersIn(view: NodeView | undefined, nodeName: string): NodeStatus['peers'] {
  if (view === undefined) return { count: 0, refused: [] };
  const { peers, refused } = peersOf(nodeName, view.node, view.cluster.hostSubnets.entries.values());
  return { count: peers.length, refused: [...refused] };
}

function servicesOf(view: NodeView | undefined): NodeStatus['services'] {
  if (view?.services === undefined) return null;
  const { backEnd, counts, lastSyncMs, unready } = view.services;
  const lastSync = lastSyncMs === undefined ? null : momentOf(lastSyncMs);
  return { backEnd, ...counts, lastSync, ready: unready === undefined };
}

function guardsOf({ view, guards }: StatusFacts): NodeStatus['guards'] {
  const why = new Map(view === undefined ? [] : hostGuards(view.node).map((each) => [each.guard, each.why]));
  return [...guards].map(([guard, packets]) => ({ guard, packets: Number(packets), means: why.get(guard) ?? '' }));
}

function flowsOf({ view, reading }: StatusFacts): NodeStatus['flows'] {
  const desired = view?.desiredFlows === undefined ? undefined : countByKind(view.desiredFlows);
  return FLOW_KINDS.map((kind) => ({
    kind,
    installed: reading?.flows.get(kind) ?? null,
    desired: desired?.get(kind) ?? null,
  }));
}

function reconcileOf({ states, lastChange }: StepRecord): NodeStatus['reconcile'] {
  const flows = states.get('flows');
  const { added = 0, removed = 0, changed = 0 } = lastChange ?? {};
  return {
    lastPass:
      flows?.lastSuccessMs === undefined ? null : { at: momentOf(flows.lastSuccessMs), seconds: flows.lastSeconds },
    lastChange:
      lastChange === undefined
        ? null
        : { at: momentOf(lastChange.atMs), step: lastChange.step, added, removed, changed },
    steps: [...states].map(([step, { passes, failures, lastSuccessMs, lastSeconds }]) => ({
      step,
      passes,
      failures,
      lastSuccess: lastSuccessMs === undefined ? null : momentOf(lastSuccessMs),
      lastSeconds,
    })),
  };
}

function momentOf(ms: number): string {
  return new Date(ms).toISOString();
}
