import {
  addPort,
  ensureBridge,
  ensureZoneTimeouts,
  type OpenVSwitch,
  type OvsCache,
  updateInterface,
} from '@tenet/ovsdb';
import { type NodeNetwork, OF_PORT, SERVICE_ZONE } from '@tenet/pipeline';
import { failAgent } from '../errors.ts';
import { BRIDGE, HOST_PORT, TUNNEL_PORT, wiredPods } from '../wired-pods.ts';

/**
 * Conntrack's timeouts for service connections, in seconds: not shorter than the host's, which forgets an
 * established TCP connection after 5 days and a UDP stream after 2 minutes.
 */
const SERVICE_TIMEOUTS = { tcp_established: 432_000, udp_single: 120, udp_multiple: 180 };

/**
 * Makes br0, vxlan0 and tun0 what they should be, and leaves alone what is so: a second call sends nothing.
 * PORT_MISPLACED when the two ports are not where every flow expects them: then nothing may be forwarded.
 */
export async function ensureSwitchObjects(ovs: OpenVSwitch, node: NodeNetwork, signal: AbortSignal): Promise<void> {
  await ensureBridge(
    ovs,
    {
      name: BRIDGE,
      datapath_type: node.datapath,
      fail_mode: 'secure',
      protocols: ['OpenFlow13', 'OpenFlow14', 'OpenFlow15'],
    },
    { signal },
  );
  await addPort(
    ovs,
    {
      bridge: BRIDGE,
      name: TUNNEL_PORT,
      type: 'vxlan',
      options: { remote_ip: 'flow', key: 'flow', dst_port: String(node.vxlanPort) },
      ofport_request: OF_PORT.vxlan0,
    },
    { signal },
  );
  await addPort(
    ovs,
    {
      bridge: BRIDGE,
      name: HOST_PORT,
      type: 'internal',
      mac: node.gatewayMac.toString(),
      mtu_request: node.mtuBytes,
      ofport_request: OF_PORT.tun0,
    },
    { signal },
  );
  await ensureZoneTimeouts(
    ovs,
    { datapath_type: node.datapath, zone: SERVICE_ZONE, timeouts: SERVICE_TIMEOUTS },
    { signal },
  );
  checkFixedPorts(ovs.cache);
}

/** PORT_MISPLACED when vxlan0 or tun0 has another number than every flow expects. */
export function checkFixedPorts(cache: OvsCache): void {
  for (const [port, expected] of Object.entries(OF_PORT)) {
    const ofPort = cache.interface(port)?.ofport;
    if (ofPort !== undefined && ofPort !== expected) failAgent('PORT_MISPLACED', { port, ofPort, expected });
  }
}

/**
 * Makes every pod's requested port the one that it has: the switch moves a running port to the number that it
 * requests the moment that is free.
 */
export async function settleOfPorts(ovs: OpenVSwitch, signal: AbortSignal): Promise<void> {
  for (const { hostVeth, ofPort } of wiredPods(ovs.cache)) {
    if (ofPort !== undefined && ovs.cache.interface(hostVeth)?.ofport_request !== ofPort) {
      await updateInterface(ovs, hostVeth, { ofport_request: ofPort }, { signal });
    }
  }
}
