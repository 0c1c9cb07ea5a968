import { mkdirSync } from 'node:fs';
import { inNamespace, Netlink, sinkLinks, writeSysctl } from '@tenet/host';
import { Ip, Prefix } from '@tenet/std';
import type { NodeSpec } from '../cluster/cluster-spec.ts';
import { type Daemon, startDaemon } from '../process/daemon.ts';
import { runCommand } from '../process/run-command.ts';
import { waitUntil } from '../process/wait-until.ts';
import type { Lab } from '../state/lab-state.ts';
import { DEFAULT_ROUTE, NIC } from './underlay.ts';

/** The node's interface to the underlay, whatever holds its address. */
const UPLINK = 'eth0';

/** Debian's openvswitch-common. */
const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';

const OVS_DEADLINE_MS = 15_000;

/**
 * Makes a node what an administrator hands over: a machine with Open vSwitch running, an address on `eth0` and a
 * default route. br0 and all else is the agent's. The node is plugged in already.
 */
export async function startNode(lab: Lab, node: NodeSpec, signal: AbortSignal): Promise<Daemon[]> {
  const { paths, settings } = lab;
  const namespace = paths.namespace(node.name);
  const daemons = await startSwitch(lab, node.name, signal);

  using netlink = Netlink.open(namespace);
  if (settings.datapath === 'netdev') {
    // Tunnel packets leave the userspace datapath through a bridge that holds the node's address.
    const database = `--db=unix:${paths.node(node.name).databaseSocket}`;
    const bridge = ['add-br', UPLINK, '--', 'set', 'Bridge', UPLINK, 'datapath_type=netdev'];
    await runCommand({ command: ['ovs-vsctl', database, ...bridge, '--', 'add-port', UPLINK, NIC], signal });
    // Open vSwitch takes a copy of what the NIC receives: without these the node would see each packet twice.
    sinkLinks(netlink, [NIC]);
    inNamespace(namespace, () => writeSysctl(`net.ipv4.conf.${NIC}.rp_filter`, '1'));
    netlink.changeLink(NIC, { up: true });
  } else {
    netlink.changeLink(NIC, { name: UPLINK });
  }
  await configureUplink(netlink, lab, { node, signal });
  return daemons;
}

/**
 * What a machine's own network configuration does whenever its uplink appears: a bridge of the userspace datapath
 * ends and comes back with its ovs-vswitchd. Returns when that is so; leaves alone what is there.
 */
export async function restoreUplink(lab: Lab, node: NodeSpec, signal: AbortSignal): Promise<void> {
  using netlink = Netlink.open(lab.paths.namespace(node.name));
  await waitUntil({
    what: `there is no ${UPLINK} on ${node.name}`,
    look: () => netlink.link(UPLINK) !== undefined,
    deadlineMs: OVS_DEADLINE_MS,
    signal,
  });
  await configureUplink(netlink, lab, { node, signal });
}

async function configureUplink(
  netlink: Netlink,
  { paths, settings }: Lab,
  { node, signal }: { readonly node: NodeSpec; readonly signal: AbortSignal },
): Promise<void> {
  const { underlay } = settings.cluster;
  netlink.changeLink(UPLINK, { up: true });
  netlink.addAddress({
    link: UPLINK,
    address: Ip.parse(node.ip),
    prefixLength: Prefix.parse(underlay.network).length,
  });
  netlink.replaceRoute({ destination: DEFAULT_ROUTE, gateway: Ip.parse(underlay.gateway) });
  if (settings.datapath === 'system') return;
  const target = `--target=${paths.node(node.name).unixctl}`;
  // Refused until the switch has seen the address.
  await waitUntil({
    what: `Open vSwitch of ${node.name} has no route to its peers`,
    look: () => succeeds(['ovs-appctl', target, 'ovs/route/add', underlay.network, UPLINK], signal),
    deadlineMs: OVS_DEADLINE_MS,
    signal,
  });
}

/** Starts the node's own ovsdb-server and ovs-vswitchd; returns when both serve. */
async function startSwitch(lab: Lab, node: string, signal: AbortSignal): Promise<Daemon[]> {
  const { ovs, database, databaseSocket, unixctl } = lab.paths.node(node);
  const namespace = lab.paths.namespace(node);
  const environment = { OVS_RUNDIR: ovs, OVS_LOGDIR: ovs, OVS_DBDIR: ovs };
  mkdirSync(ovs, { recursive: true });
  await runCommand({ command: ['ovsdb-tool', 'create', database, SCHEMA], signal });
  const ovsdb = await startDaemon(lab, {
    name: `${node}/ovsdb-server`,
    namespace,
    environment,
    command: ['ovsdb-server', database, `--remote=punix:${databaseSocket}`, `--unixctl=${ovs}/ovsdb-server.ctl`],
  });
  await waitUntil({
    what: `the ovsdb-server of ${node} does not answer`,
    look: () => answers(ovsdb, ['ovs-vsctl', `--db=unix:${databaseSocket}`, '--no-wait', 'init'], signal),
    deadlineMs: OVS_DEADLINE_MS,
    signal,
  });
  // Of the kernel's routes the switch keeps a copy, which it empties and fills again whenever a link of the node comes,
  // goes or changes. A tunnel's flow that is looked at in between drops: each pod would cost others packets.
  const options = lab.settings.datapath === 'netdev' ? ['--disable-system-route'] : [];
  const vswitchd = await startDaemon(lab, {
    name: `${node}/ovs-vswitchd`,
    namespace,
    environment,
    command: ['ovs-vswitchd', `unix:${databaseSocket}`, `--unixctl=${unixctl}`, ...options],
  });
  await waitUntil({
    what: `the ovs-vswitchd of ${node} does not answer`,
    look: () => answers(vswitchd, ['ovs-appctl', `--target=${unixctl}`, 'version'], signal),
    deadlineMs: OVS_DEADLINE_MS,
    signal,
  });
  return [ovsdb, vswitchd];
}

/** True when the daemon answers a command; its end is an error, a refusal only means "not yet". */
async function answers(daemon: Daemon, command: [string, ...string[]], signal: AbortSignal): Promise<boolean> {
  daemon.mustRun();
  return succeeds(command, signal);
}

async function succeeds(command: [string, ...string[]], signal: AbortSignal): Promise<boolean> {
  try {
    await runCommand({ command, signal });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
