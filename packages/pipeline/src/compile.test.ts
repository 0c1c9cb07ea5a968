import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Vnid, vnidOf } from '@tenet/model';
import { type Flow, flowKey, formatFlow, parseFlow } from '@tenet/openflow';
import { Ip, Mac, Prefix } from '@tenet/std';
import fc from 'fast-check';
import { peerFlows, podFlows, projectFlows, serviceFlows, staticFlows } from './compile.ts';
import { readCookie } from './cookie.ts';
import type { ClusterService, Datapath, NodeNetwork, Peer, PodPort } from './node-network.ts';
import { TABLE_NAMES, TABLES, tableNameOf } from './tables.ts';

const SUBNETS = { 1: '10.128.2.0/23', 2: '10.128.4.0/23' } as const;

function nodeOf(number: 1 | 2, datapath: Datapath = 'netdev'): NodeNetwork {
  const subnet = Prefix.parse(SUBNETS[number]);
  return {
    datapath,
    clusterNetworks: [Prefix.parse('10.128.0.0/14')],
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    subnet,
    gateway: subnet.address.plus(1),
    gatewayMac: Mac.fromIpv4(subnet.address.plus(1)),
    nodeIp: Ip.parse(`192.168.50.${number}`),
    vxlanPort: 4789,
    mtuBytes: 1450,
  };
}

function podOf(text: string, vnid: number): PodPort {
  const ip = Ip.parse(text);
  return { ip, mac: Mac.fromIpv4(ip), ofPort: Number(ip.value & 0xffn), vnid: vnidOf(vnid) };
}

const A = 0xa1;
const B = 0xb2;
/** Each service's last byte of its address, which is its id too, its only port, and its project. */
// biome-ignore format: a service a line
const SERVICES: readonly (readonly [host: number, protocol: 'tcp' | 'udp' | 'sctp', port: number, vnid: number])[] = [
  [1, 'tcp', 443, 0],
  [2, 'tcp', 443, 0],
  [11, 'tcp', 80, A],
  [12, 'tcp', 80, A],
  [13, 'tcp', 80, A],
  [14, 'tcp', 80, A],
  [15, 'udp', 53, A],
  [16, 'udp', 53, A],
  [17, 'udp', 53, A],
  [18, 'udp', 53, A],
  [19, 'tcp', 80, A],
  [20, 'tcp', 80, A],
  [21, 'tcp', 80, B],
  [22, 'udp', 53, B],
  [23, 'tcp', 80, A],
  [24, 'tcp', 80, A],
  [31, 'tcp', 80, 0],
];

const CLUSTER_SERVICES: readonly ClusterService[] = SERVICES.map(([host, protocol, port, vnid]) => ({
  id: host,
  clusterIp: Ip.parse(`172.30.0.${host}`),
  vnid: vnidOf(vnid),
  ports: [{ protocol, port }],
}));

const WORLDS = [
  {
    file: 'pipeline-node1.flows',
    node: nodeOf(1),
    pods: [podOf('10.128.2.5', A), podOf('10.128.2.6', A), podOf('10.128.2.7', B), podOf('10.128.2.8', 0)],
    peer: { id: 2, hostIp: Ip.parse('192.168.50.2'), subnet: Prefix.parse(SUBNETS[2]) },
  },
  {
    file: 'pipeline-node2.flows',
    node: nodeOf(2),
    pods: [podOf('10.128.4.5', A), podOf('10.128.4.6', B), podOf('10.128.4.7', 0), podOf('10.128.4.8', A)],
    peer: { id: 1, hostIp: Ip.parse('192.168.50.1'), subnet: Prefix.parse(SUBNETS[1]) },
  },
];

function allFlows(
  node: NodeNetwork,
  pods: readonly PodPort[],
  peers: readonly Peer[],
  services: readonly ClusterService[] = CLUSTER_SERVICES,
): Flow[] {
  const vnids = new Set(pods.map(({ vnid }) => vnid));
  return [
    ...staticFlows(node),
    ...pods.flatMap((pod) => podFlows(node, pod)),
    ...peers.flatMap((peer) => peerFlows(node, peer)),
    ...services.flatMap((service) => serviceFlows(node, service)),
    ...[...vnids].flatMap((vnid) => projectFlows(node, vnid)),
  ];
}

/** Flows of a feature that has its own tables to fill: multicast. */
function isOfLaterFeature({ table, priority }: Flow): boolean {
  return (
    ([TABLES.multicast.id, TABLES.multicastFanOut.id, TABLES.multicastDelivery.id] as number[]).includes(table) &&
    priority > 0
  );
}

describe('compiled flows', () => {
  for (const { file, node, pods, peer } of WORLDS) {
    test(`equal the flows that were tried with packets, ${file}`, () => {
      const tried = readFileSync(join(import.meta.dirname, '../../openflow/testing', file), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => parseFlow(line))
        .filter((flow) => !isOfLaterFeature(flow));
      const text = (flows: readonly Flow[]) => flows.map((flow) => formatFlow(flow)).sort();
      assert.ok(tried.length > 140, `${tried.length} flows`);
      assert.deepEqual(text(allFlows(node, pods, [peer])), text(tried));
    });
  }

  test('the kernel datapath has no flow for segments outside the window, which it would drop with tcp_loose=0', () => {
    const count = (datapath: Datapath) => staticFlows(nodeOf(1, datapath)).length;
    assert.equal(count('netdev') - count('system'), 1);
  });

  test('projectFlows() of the global project are none', () => {
    assert.deepEqual(projectFlows(nodeOf(1), vnidOf(0)), []);
  });

  test('peerFlows() of a host with a fixed VNID load that VNI instead of the source VNID', () => {
    const peer: Peer = {
      id: 7,
      hostIp: Ip.parse('192.168.50.9'),
      subnet: Prefix.parse('10.128.8.0/23'),
      fixedVnid: vnidOf(99),
    };
    const lines = peerFlows(nodeOf(1), peer)
      .map((flow) => formatFlow(flow))
      .filter((line) => line.includes('tun_dst'));
    assert.equal(lines.length, 2);
    for (const line of lines)
      assert.match(line, /load:0x63->NXM_NX_TUN_ID\[0\.\.31\],set_field:192\.168\.50\.9->tun_dst,output:1/);
  });

  test('with two cluster networks each destination has its flows', () => {
    const node = { ...nodeOf(1), clusterNetworks: [Prefix.parse('10.128.0.0/14'), Prefix.parse('10.200.0.0/16')] };
    const extra = staticFlows(node).length - staticFlows(nodeOf(1)).length;
    // Table 0: ARP of the host, translated requests, remote pods, outside to remote; table 30: ARP and IP.
    assert.equal(extra, 6);
  });

  test('every flow goes where its table may send packets, and every table ends in a counted drop', () => {
    for (const { node, pods, peer } of WORLDS) {
      const flows = allFlows(node, pods, [peer]);
      for (const flow of flows) {
        const from = tableNameOf(flow.table);
        assert.ok(from !== undefined, formatFlow(flow));
        for (const action of flow.actions) {
          const next = action.kind === 'goto_table' ? action.table : action.kind === 'ct' ? action.table : undefined;
          if (next === undefined) continue;
          const allowed: readonly string[] = TABLES[from].next;
          assert.ok(allowed.includes(tableNameOf(next) ?? ''), formatFlow(flow));
        }
        assert.equal(flow.actions.length === 0, readCookie(flow.cookie)?.dropClass !== undefined, formatFlow(flow));
      }
      const misses = flows.filter(({ priority, match }) => priority === 0 && Object.keys(match).length === 0);
      assert.deepEqual(
        misses.map(({ table }) => table).sort(),
        TABLE_NAMES.map((name) => TABLES[name].id as number).sort(),
      );
    }
  });

  test('no two owners write the same flow, whatever the pods', () => {
    const pods = fc.uniqueArray(fc.tuple(fc.integer({ min: 3, max: 250 }), fc.integer({ min: 0, max: 0xff_ffff })), {
      selector: ([host]) => host,
      maxLength: 20,
    });
    fc.assert(
      fc.property(pods, (chosen) => {
        const ports = chosen.map(([host, vnid]) => podOf(`10.128.2.${host}`, vnid));
        const keys = allFlows(nodeOf(1), ports, [WORLDS[0]?.peer as Peer]).map(flowKey);
        assert.equal(new Set(keys).size, keys.length);
      }),
    );
  });

  test('serviceFlows() of a service without ports are none', () => {
    assert.deepEqual(
      serviceFlows(nodeOf(1), { id: 1, clusterIp: Ip.parse('172.30.0.9'), vnid: vnidOf(A), ports: [] }),
      [],
    );
  });

  test('serviceFlows() match each port with its protocol, bear the id, and go to the check as the project of the service', () => {
    const service: ClusterService = {
      id: 0xfffffffe,
      clusterIp: Ip.parse('172.30.0.9'),
      vnid: vnidOf(B),
      ports: [
        { protocol: 'tcp', port: 53 },
        { protocol: 'udp', port: 53 },
        { protocol: 'sctp', port: 65_535 },
      ],
    };
    const DOES = 'actions=load:0xb2->NXM_NX_REG1[],load:0x2->NXM_NX_REG2[],goto_table:80';
    const ALL = 'cookie=0x4000000fffffffe,table=60,priority=100';
    assert.deepEqual(
      serviceFlows(nodeOf(1), service).map(flowKey).sort(),
      [
        'ip,nw_dst=172.30.0.9,nw_frag=later',
        'tcp,nw_dst=172.30.0.9,tcp_dst=53',
        'udp,nw_dst=172.30.0.9,udp_dst=53',
        'sctp,nw_dst=172.30.0.9,sctp_dst=65535',
        'icmp,nw_dst=172.30.0.9,icmp_type=3',
      ]
        .map((match) => flowKey(parseFlow(`${ALL},${match},${DOES}`)))
        .sort(),
    );
    const does = parseFlow(`${ALL},ip,${DOES}`);
    for (const flow of serviceFlows(nodeOf(1), service)) {
      assert.deepEqual(flow.actions, does.actions);
      assert.deepEqual(readCookie(flow.cookie), { kind: 'service', id: 0xfffffffe });
    }
  });

  test('a pod flow never sends to another project: reg1 is always the VNID of the pod itself', () => {
    const pod = podOf('10.128.2.5', A);
    const loaded = podFlows(nodeOf(1), pod).flatMap(({ actions }) =>
      actions.flatMap((action) =>
        action.kind === 'load' && ['reg0', 'reg1'].includes(action.dst.field) ? [Number(action.value)] : [],
      ),
    );
    assert.deepEqual(new Set(loaded as Vnid[]), new Set([pod.vnid]));
  });
});
