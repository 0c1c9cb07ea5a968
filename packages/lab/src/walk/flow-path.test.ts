import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlowDump } from '@tenet/openflow';
import { Ip, Prefix } from '@tenet/std';
import { flowPath } from './flow-path.ts';

/** Flows of a node, those of the way in between. */
const DUMP = `\
 cookie=0x1, duration=1s, table=0, n_packets=7, n_bytes=70, priority=400,ip,in_port=2,nw_src=10.131.2.1 actions=resubmit(,30)
 cookie=0x1, duration=1s, table=0, n_packets=5, n_bytes=50, priority=400,arp,in_port=2,arp_spa=10.131.2.1 actions=resubmit(,30)
 cookie=0x1, duration=1s, table=30, n_packets=9, n_bytes=90, priority=300,ip,nw_dst=10.131.2.1 actions=output:2
 cookie=0x1, duration=1s, table=30, n_packets=8, n_bytes=80, priority=200,ip,nw_dst=10.131.2.0/23 actions=resubmit(,70)
 cookie=0x2, duration=1s, table=70, n_packets=0, n_bytes=0, priority=200,ip,reg3=0x1,nw_dst=10.131.2.45 actions=resubmit(,80)
 cookie=0x2, duration=1s, table=70, n_packets=6, n_bytes=60, priority=100,ip,nw_dst=10.131.2.45 actions=load:0x2d->NXM_NX_REG2[],resubmit(,80)
 cookie=0x2, duration=1s, table=70, n_packets=4, n_bytes=40, priority=100,ip,nw_dst=10.131.2.46 actions=load:0x2e->NXM_NX_REG2[],resubmit(,80)
 cookie=0x1, duration=1s, table=80, n_packets=3, n_bytes=30, priority=300,ip,nw_src=10.131.2.1 actions=output:NXM_NX_REG2[]
 cookie=0x1, duration=1s, table=80, n_packets=2, n_bytes=20, priority=0 actions=drop
`;

const FLOWS = parseFlowDump(DUMP).flows.flatMap(({ flow }) => flow ?? []);
const GATEWAY = Ip.parse('10.131.2.1');
const SUBNET = Prefix.parse('10.131.2.0/23');

test('flowPath() leaves out what there is no flow for', () =>
  assert.deepEqual(
    flowPath(FLOWS, { gateway: GATEWAY, subnet: SUBNET, pod: Ip.parse('10.131.2.99') }).map(({ at }) => at),
    ['table 0', 'table 30', 'table 80'],
  ));

test('flowPath() gives the flows from the node to its pod, one a table, with what they counted', () =>
  assert.deepEqual(
    flowPath(FLOWS, { gateway: GATEWAY, subnet: SUBNET, pod: Ip.parse('10.131.2.45') }).map(({ at, says, packets }) => [
      at,
      says,
      packets,
    ]),
    [
      ['table 0', 'ip,in_port=2,nw_src=10.131.2.1 actions=resubmit(,30)', 7n],
      ['table 30', 'ip,nw_dst=10.131.2.0/23 actions=resubmit(,70)', 8n],
      ['table 70', 'ip,nw_dst=10.131.2.45 actions=load:0x2d->NXM_NX_REG2[],resubmit(,80)', 6n],
      ['table 80', 'ip,nw_src=10.131.2.1 actions=output:NXM_NX_REG2[]', 3n],
    ],
  ));
