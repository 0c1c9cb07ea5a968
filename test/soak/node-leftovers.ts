/** What of a node follows from its living pods, compared with what is there: each difference is one sentence. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { iptablesSave, listConntrack, Netlink } from '@tenet/host';
import { parseIptablesSave, planRestore } from '@tenet/netfilter';
import { type Flow, flowKey, formatFlow, parseFlowDump, sameFlow } from '@tenet/openflow';
import {
  hostRules,
  type NodeNetwork,
  type PodPort,
  peerFlows,
  podFlows,
  projectFlows,
  SERVICE_ZONE,
  serviceFlows,
  staticFlows,
} from '@tenet/pipeline';
import { diff, Ip, Mac } from '@tenet/std';
import type { PrivateLab } from '../e2e/private-lab.ts';
import type { ClusterFacts } from './cluster-facts.ts';

const run = promisify(execFile);

/** A pod that lives, as the API and the kubelet know it. */
export interface LivingPod {
  readonly uid: string;
  readonly project: string;
  readonly name: string;
  readonly node: string;
  readonly ip: Ip;
  /** The host's end of its link, as the result of its ADD names it. */
  readonly hostVeth: string;
}

/** What br0, its database and the kernel have beside the pods, in the userspace datapath. */
const FIXED_INTERFACES = ['br0', 'eth0', 'nic0', 'tun0', 'vxlan0'];

/** Every difference on one node. */
export async function nodeLeftovers(
  lab: PrivateLab,
  name: string,
  { pods, facts }: { readonly pods: readonly LivingPod[]; readonly facts: ClusterFacts },
): Promise<string[]> {
  const node = facts.nodes.get(name);
  if (node === undefined) return [`${name} has no HostSubnet`];
  const here = pods.filter((pod) => pod.node === name);
  const interfaces = await readInterfaces(lab, name);
  const differences = [
    ...differ(
      'lease',
      leasesOf(lab, name),
      here.map(({ ip }) => ip.toString()),
    ),
    ...differ(
      'link',
      vethsOf(lab, name),
      here.map(({ hostVeth }) => hostVeth),
    ),
    ...interfaceDifferences(interfaces, here),
    ...(await flowDifferences(lab, name, { node, interfaces, here, facts })),
    ...(await conntrackDifferences(lab, name, { node, here })),
    ...(await ruleDifferences(lab, name, node)),
  ];
  return differences.map((difference) => `${name}: ${difference}`);
}

/** What there is too much of, and what is missing, by name. */
export function differ(what: string, there: readonly string[], wanted: readonly string[]): string[] {
  const left = [...there];
  const missing: string[] = [];
  for (const each of wanted) {
    const at = left.indexOf(each);
    if (at < 0) missing.push(each);
    else left.splice(at, 1);
  }
  return [
    ...left.map((each) => `${what} ${each} is left over`),
    ...missing.map((each) => `${what} ${each} is missing`),
  ];
}

function leasesOf(lab: PrivateLab, node: string): string[] {
  return readdirSync(lab.paths.node(node).cni.leases).filter((file) => file !== 'cursor');
}

function vethsOf(lab: PrivateLab, node: string): string[] {
  using netlink = Netlink.open(lab.paths.namespace(node));
  return netlink.links().flatMap(({ name }) => (name.startsWith('veth') ? [name] : []));
}

/** A row of the table Interface. */
interface InterfaceRow {
  readonly name: string;
  readonly ofPort: number;
  readonly error: string;
  readonly ip: string | undefined;
  readonly podUid: string | undefined;
}

async function readInterfaces(lab: PrivateLab, node: string): Promise<InterfaceRow[]> {
  const database = `--db=unix:${lab.paths.node(node).databaseSocket}`;
  const columns = '--columns=name,ofport,error,external_ids';
  const { stdout } = await run('ovs-vsctl', [database, '--format=json', columns, 'list', 'Interface']);
  const { data } = JSON.parse(stdout) as { readonly data: readonly (readonly unknown[])[] };
  return data.map(([name, ofPort, error, externalIds]) => {
    const ids = mapOf(externalIds);
    return {
      name: String(name),
      ofPort: typeof ofPort === 'number' ? ofPort : -1,
      error: typeof error === 'string' ? error : '',
      ip: ids.get('ip'),
      podUid: ids.get('pod-uid'),
    };
  });
}

/** `["map", [[key, value], …]]` (RFC 7047 §5.1). */
function mapOf(value: unknown): ReadonlyMap<string, string> {
  return Array.isArray(value) && value[0] === 'map' ? new Map(value[1]) : new Map();
}

function interfaceDifferences(interfaces: readonly InterfaceRow[], here: readonly LivingPod[]): string[] {
  const told = ({ name, ip, podUid }: Pick<InterfaceRow, 'name' | 'ip' | 'podUid'>) =>
    [name, ip, podUid].join(' ').trim();
  return [
    ...differ('interface', interfaces.map(told), [
      ...FIXED_INTERFACES,
      ...here.map(({ hostVeth, ip, uid }) => told({ name: hostVeth, ip: ip.toString(), podUid: uid })),
    ]),
    ...interfaces.flatMap(({ name, error, ofPort }) =>
      error === '' && ofPort > 0
        ? []
        : [`interface ${name} has the port ${ofPort} and the error ${JSON.stringify(error)}`],
    ),
  ];
}

async function flowDifferences(
  lab: PrivateLab,
  name: string,
  {
    node,
    interfaces,
    here,
    facts,
  }: {
    readonly node: NodeNetwork;
    readonly interfaces: readonly InterfaceRow[];
    readonly here: readonly LivingPod[];
    readonly facts: ClusterFacts;
  },
): Promise<string[]> {
  const ports = here.flatMap(({ ip, hostVeth, project }): PodPort[] => {
    const vnid = facts.vnidOf(project);
    const ofPort = interfaces.find((each) => each.name === hostVeth)?.ofPort;
    return vnid === undefined || ofPort === undefined ? [] : [{ ip, mac: Mac.fromIpv4(ip), ofPort, vnid }];
  });
  const wanted = [
    ...staticFlows(node),
    ...ports.flatMap((port) => podFlows(node, port)),
    ...facts.peersOf(name).flatMap((peer) => peerFlows(node, peer)),
    ...[...new Set(ports.map(({ vnid }) => vnid))].flatMap((vnid) => projectFlows(node, vnid)),
    ...facts.services.flatMap((service) => serviceFlows(node, service)),
  ];
  const socket = `unix:${lab.paths.node(name).ovs}/br0.mgmt`;
  const { stdout } = await run('ovs-ofctl', ['-O', 'OpenFlow14', '--no-stats', 'dump-flows', socket], {
    maxBuffer: 2 ** 26,
  });
  const unreadable: string[] = [];
  const there: Flow[] = [];
  for (const { flow, text } of parseFlowDump(stdout).flows) {
    if (flow === undefined) unreadable.push(text);
    else there.push(flow);
  }
  const byKey = (flows: readonly Flow[]) => new Map(flows.map((flow) => [flowKey(flow), flow]));
  const { add, remove } = diff(byKey(wanted), byKey(there), sameFlow);
  const dumped = byKey(there);
  return [
    ...unreadable.map((text) => `unreadable flow ${text}`),
    ...[...remove].map(([key]) => `flow is left over: ${textOf(dumped.get(key))}`),
    ...[...add].map(([key, flow]) =>
      dumped.has(key)
        ? `flow should be ${textOf(flow)} but is ${textOf(dumped.get(key))}`
        : `flow is missing: ${textOf(flow)}`,
    ),
  ];
}

function textOf(flow: Flow | undefined): string {
  return flow === undefined ? '' : formatFlow(flow);
}

/** Neither the switch nor the kernel of the node remembers a connection of a pod of this node that has gone. */
async function conntrackDifferences(
  lab: PrivateLab,
  name: string,
  { node, here }: { readonly node: NodeNetwork; readonly here: readonly LivingPod[] },
): Promise<string[]> {
  const living = new Set([node.gateway, ...here.map(({ ip }) => ip)].map(String));
  const isGone = (address: string) => node.subnet.contains(Ip.parse(address)) && !living.has(address);
  const { unixctl: control } = lab.paths.node(name);
  const { stdout } = await run('ovs-appctl', ['-t', control, 'dpctl/dump-conntrack', `zone=${SERVICE_ZONE}`]);
  const inSwitch = stdout
    .split('\n')
    .filter((line) => [...line.matchAll(/src=([\d.]+)/g)].some(([, address = '']) => isGone(address)))
    .map((line) => `the switch remembers ${line}`);
  const inKernel = listConntrack({}, lab.paths.namespace(name)).flatMap(({ original, reply }) =>
    isGone(original.source.toString()) || isGone(reply.source.toString())
      ? [`the node remembers a connection from ${original.source} to ${original.destination}`]
      : [],
  );
  return [...inSwitch, ...inKernel];
}

/** The rules are all in one of the two variants of iptables, whichever the agent has found. */
async function ruleDifferences(lab: PrivateLab, name: string, node: NodeNetwork): Promise<string[]> {
  const namespace = lab.paths.namespace(name);
  const wanted = hostRules(node, { serviceChains: lab.proxy === 'iptables' });
  const plans = await Promise.all(
    (['nft', 'legacy'] as const).map(async (variant) =>
      planRestore(wanted, parseIptablesSave(await iptablesSave({ variant, namespace }))),
    ),
  );
  return plans.includes(undefined) ? [] : [`host rules need one of\n${plans.join('or\n')}`];
}

/** The host's end of a living pod's link, from the result of its ADD that the kubelet keeps. */
export function hostVethOf(lab: PrivateLab, uid: string): string {
  const { result } = JSON.parse(readFileSync(join(lab.paths.pods, `${uid}.json`), 'utf8')) as {
    readonly result?: { readonly interfaces?: readonly { readonly name: string; readonly sandbox?: string }[] };
  };
  return result?.interfaces?.find(({ sandbox }) => sandbox === undefined)?.name ?? 'none';
}
