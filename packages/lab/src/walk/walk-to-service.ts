import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { iptablesSave, Netlink, nftList, type Route } from '@tenet/host';
import { gatewayOf } from '@tenet/model';
import { parseIptablesSave } from '@tenet/netfilter';
import { connectSwitch, type SwitchConnection } from '@tenet/openflow/connection';
import { Ip, Prefix } from '@tenet/std';
import { probeTcp } from '../probe/probe-tcp.ts';
import { PATIENCE } from '../process/patience.ts';
import type { Lab } from '../state/lab-state.ts';
import type { LabStatus } from '../status/lab-status.ts';
import { namespaceOf } from '../targets.ts';
import { flowPath, type OwnPod } from './flow-path.ts';
import { mapPath, mapsAsked } from './map-path.ts';
import { natPath, type ServiceAddress } from './nat-path.ts';
import { type CountedStep, counted, type ServiceWalk } from './service-walk.ts';

/** From where to which service. */
export interface WalkSpec {
  readonly node: string;
  /** `namespace/name`: of one TCP port and one pod, which is on the node. */
  readonly service: string;
  readonly pod: string;
}

const REPLY_TIMEOUT_MS = 2000 * PATIENCE;
/** Open vSwitch credits counters about twice a second. */
const COUNTER_DEADLINE_MS = 3000 * PATIENCE;
const COUNTER_LOOK_MS = 50;

/** Sends one request from a node to a service whose pod is on it, and reads what it passes before and after. */
export async function walkToService(
  lab: Lab,
  status: LabStatus,
  { node, service, pod, signal }: WalkSpec & { readonly signal: AbortSignal },
): Promise<ServiceWalk> {
  const namespace = namespaceOf(lab, `node/${node}`);
  const { address, own } = placesOf(status, { node, service, pod });
  await using connection = await connectSwitch({ path: join(lab.paths.node(node).ovs, 'br0.mgmt'), signal });
  const by = lab.settings.proxy;
  const readRules = () => (by === 'iptables' ? rulesOf(namespace, address) : mapsOf(namespace, address));
  const to = Ip.parse(address.ip);

  const [rulesBefore, flowsBefore] = [await readRules(), await flowsOf(connection, own)];
  const outcome = await probeTcp({ namespace, to, port: address.port, timeoutMs: REPLY_TIMEOUT_MS });
  const endMs = performance.now() + COUNTER_DEADLINE_MS;
  let flows = counted(flowsBefore, await flowsOf(connection, own));
  while (!flows.every(hasMoved) && performance.now() < endMs) {
    await pause(COUNTER_LOOK_MS, undefined, { signal });
    flows = counted(flowsBefore, await flowsOf(connection, own));
  }
  const steps = counted(rulesBefore, await readRules());
  // Of the rules of a chain a packet need not match each, but one of each chain.
  const isTranslated =
    by === 'nftables'
      ? mapsAsked(address).every((name) => steps.some(({ at }) => at === name))
      : new Set(steps.filter(hasMoved).map(({ at }) => at)).size === NAT_CHAINS;
  const isAnswered =
    outcome.outcome === 'answered' && outcome.answer.pod === pod && outcome.answer.client === String(own.gateway);
  return {
    node,
    service,
    to: `${address.ip}:${address.port}`,
    route: routeTo(namespace, to),
    translation: { by, steps },
    flows,
    outcome,
    isAsExpected: isAnswered && isTranslated && flows.length === FLOW_TABLES && flows.every(hasMoved),
  };
}

/** Services, the service, its endpoint; and the tables from tun0 to a pod of the node. */
const NAT_CHAINS = 3;
const FLOW_TABLES = 4;

function hasMoved({ packets }: ServiceWalk['flows'][number]): boolean {
  return packets !== undefined && packets.after > packets.before;
}

function placesOf(status: LabStatus, spec: WalkSpec): { readonly address: ServiceAddress; readonly own: OwnPod } {
  const named = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;
  const service = status.services.find((each) => named(each) === spec.service);
  const pod = status.pods.find((each) => named(each) === spec.pod);
  const node = status.nodes.find(({ name }) => name === spec.node);
  const port = service?.ports[0]?.port;
  const [ip, podIp, subnetText] = [service?.clusterIp, pod?.ip, node?.subnet];
  if (!ip || !podIp || !subnetText || port === undefined) throw new RangeError(`${spec.service} is not ready`);
  const subnet = Prefix.parse(subnetText);
  return {
    address: { ip, port, protocol: 'tcp' },
    own: { gateway: gatewayOf(subnet), subnet, pod: Ip.parse(podIp) },
  };
}

async function rulesOf(namespace: string, address: ServiceAddress): Promise<CountedStep[]> {
  const text = await iptablesSave({ namespace, counters: true, table: 'nat' });
  const nat = parseIptablesSave(text).tables.get('nat');
  return nat === undefined ? [] : natPath(nat, address);
}

async function mapsOf(namespace: string, address: ServiceAddress): Promise<CountedStep[]> {
  const names = mapsAsked(address);
  const maps = await Promise.all(names.map((name) => nftList({ what: `map ip tenet ${name}`, namespace })));
  return mapPath(maps.flat(), address);
}

async function flowsOf(connection: SwitchConnection, own: OwnPod): Promise<CountedStep[]> {
  return flowPath(await connection.dumpFlows(), own);
}

/** The node's route to an address: the longest prefix that holds it. */
function routeTo(namespace: string, ip: Ip): string {
  using netlink = Netlink.open(namespace);
  const best = netlink
    .routes({ family: 4 })
    .filter(({ destination }) => destination.contains(ip))
    .reduce<Route | undefined>((a, b) => (a && a.destination.length >= b.destination.length ? a : b), undefined);
  if (best === undefined) return 'none';
  const via = best.gateway === undefined ? '' : ` via ${best.gateway}`;
  return `${best.destination}${via} dev ${best.link}`;
}
