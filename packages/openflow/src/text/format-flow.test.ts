import assert from 'node:assert/strict';
import test from 'node:test';
import { FIELD_NAMES } from '../fields.ts';
import { type Flow, PORT } from '../flow.ts';
import { formatActions } from './format-actions.ts';
import { formatFlow } from './format-flow.ts';
import { formatMatch } from './format-match.ts';
import { parseFlow } from './parse-flow.ts';

/** What was written, and what `ovs-ofctl -O OpenFlow14 dump-flows --no-stats` of Open vSwitch 3.1.0 made of it. */
// biome-ignore format: columns are the documentation
const PRINTED: readonly (readonly [written: string, printed: string])[] = [
  ['actions=drop', 'actions=drop'],
  ['priority=0,actions=drop', 'priority=0 actions=drop'],
  ['table=20,cookie=0,priority=300,udp,udp_dst=4789,actions=drop', 'table=20, priority=300,udp,tp_dst=4789 actions=drop'],
  ['cookie=0x100000000000000,in_port=2,arp,nw_src=10.128.2.1,actions=2', 'cookie=0x100000000000000, arp,in_port=2,arp_spa=10.128.2.1 actions=output:2'],
  ['tcp,tcp_flags=-syn-fin-rst,ct_state=+trk+inv,actions=drop', 'ct_state=+inv+trk,tcp,tcp_flags=-fin-syn-rst actions=drop'],
  ['ct_state=0x22,actions=drop', 'ct_state=est|trk actions=drop'],
  ['ct_state=0/0xff,actions=drop', 'ct_state=0 actions=drop'],
  ['tcp,tcp_flags=+[200]-[800],actions=drop', 'tcp,tcp_flags=+[200]-[800] actions=drop'],
  ['reg0=0,reg1=10,reg2=0/0xf,metadata=9,tun_id=10,actions=drop', 'reg0=0,reg1=0xa,reg2=0/0xf,tun_id=0xa,metadata=0x9 actions=drop'],
  ['tcp,tp_src=0/7,tp_dst=0,actions=drop', 'tcp,tp_src=0x0/0x7,tp_dst=0 actions=drop'],
  ['ipv6,ipv6_label=5,ipv6_src=::ffff:1.2.3.4,actions=drop', 'ipv6,ipv6_src=::ffff:1.2.3.4,ipv6_label=0x00005 actions=drop'],
  ['ipv6,ipv6_label=5/15,ipv6_dst=fe80::/ffff::ffff,actions=drop', 'ipv6,ipv6_dst=fe80::/ffff::ffff,ipv6_label=0x00005/0x0000f actions=drop'],
  ['dl_vlan=5,dl_vlan_pcp=3,actions=drop', 'dl_vlan=5,dl_vlan_pcp=3 actions=drop'],
  ['vlan_tci=0/0x1000,actions=drop', 'vlan_tci=0x0000/0x1000 actions=drop'],
  ['vlan_tci=0x1005/0x1007,actions=drop', 'vlan_tci=0x1005/0x1007 actions=drop'],
  ['dl_type=0x5ff,actions=drop', 'dl_type=0x05ff actions=drop'],
  ['ip,nw_proto=47,ip_dscp=5,nw_ecn=1,actions=drop', 'ip,nw_proto=47,nw_tos=20,nw_ecn=1 actions=drop'],
  ['tun_flags=oam,actions=drop', 'tun_flags=+oam actions=drop'],
  ['idle_timeout=3,hard_timeout=4,importance=7,send_flow_rem,reset_counts,ip,actions=drop', 'idle_timeout=3, hard_timeout=4, send_flow_rem reset_counts importance=7, ip actions=drop'],
  ['arp,arp_op=2,arp_tpa=10.0.0.1,arp_sha=02:00:00:00:00:01,actions=drop', 'arp,arp_tpa=10.0.0.1,arp_op=2,arp_sha=02:00:00:00:00:01 actions=drop'],
  ['pkt_mark=5,conj_id=4,ct_mark=1,ct_label=5,ct_zone=6,ip,in_port=LOCAL,actions=drop', 'pkt_mark=0x5,conj_id=4,ct_zone=6,ct_mark=0x1,ct_label=0x5,ip,in_port=LOCAL actions=drop'],
  ['actions=note:54.45', 'actions=note:54.45.00.00.00.00'],
  ['actions=load:0->reg0[0..31],load:10->tun_id[0..31]', 'actions=load:0->NXM_NX_REG0[],load:0xa->NXM_NX_TUN_ID[0..31]'],
  ['ip,actions=ct(nat,table=70)', 'ip actions=ct(table=70,nat)'],
  ['ip,actions=ct', 'ip actions=ct()'],
  ['tcp,actions=ct(alg=ftp,exec(load:1->ct_mark[0]),nat(random,src=10.0.0.1:80,persistent),zone=5,commit)', 'tcp actions=ct(commit,zone=5,nat(src=10.0.0.1:80,persistent,random),exec(load:0x1->NXM_NX_CT_MARK[0]),alg=ftp)'],
  ['ipv6,actions=ct(commit,nat(src=[fe80::1]-[fe80::5]:10-20,random))', 'ipv6 actions=ct(commit,nat(src=[fe80::1]-[fe80::5]:10-20,random))'],
  ['dl_vlan=5,actions=mod_vlan_vid:7,strip_vlan', 'dl_vlan=5 actions=set_field:4103->vlan_vid,pop_vlan'],
  ['actions=controller(id=1),controller,IN_PORT,resubmit(2,)', 'actions=controller(id=1),CONTROLLER:65535,IN_PORT,resubmit:2'],
  ['actions=set_field:1->pkt_mark,set_field:01:02:03:04:05:06->eth_src', 'actions=set_field:0x1->pkt_mark,set_field:01:02:03:04:05:06->eth_src'],
];
for (const [written, printed] of PRINTED) {
  test(`formatFlow() prints ${printed}`, () => {
    assert.equal(formatFlow(parseFlow(written)), printed);
    assert.equal(formatFlow(parseFlow(printed)), printed);
  });
}

const USED: Flow = {
  table: 0,
  priority: 32768,
  cookie: 0n,
  match: {},
  actions: [],
  stats: { durationMs: 98_610, packets: 57n, bytes: 2394n },
};

// biome-ignore format: columns are the documentation
const DURATIONS = [
  { durationMs: 0,            is: '0s' },
  { durationMs: 98_000,       is: '98s' },
  { durationMs: 98_610,       is: '98.610s' },
  { durationMs: 0.5,          is: '0.000500000s' },
];
for (const { durationMs, is } of DURATIONS) {
  test(`formatFlow() prints a duration of ${durationMs} ms as ${is}`, () => {
    const text = `cookie=0x0, duration=${is}, table=0, n_packets=57, n_bytes=2394, actions=drop`;
    const flow = { ...USED, stats: { durationMs, packets: 57n, bytes: 2394n } };
    assert.equal(formatFlow(flow, { statistics: true }), text);
    assert.deepEqual(parseFlow(text), flow);
  });
}

test('formatFlow() prints a flow without statistics as unused when statistics are wanted', () => {
  const { stats: _, ...fresh } = USED;
  assert.equal(
    formatFlow(fresh, { statistics: true }),
    'cookie=0x0, duration=0s, table=0, n_packets=0, n_bytes=0, actions=drop',
  );
});

test('formatFlow() writes names for ports and tables, in quotes where the tool does', () => {
  const options = {
    portNames: new Map([
      [2, 'tun0'],
      [3, 'eth0.1'],
    ]),
    tableNames: new Map([
      [0, 'classify'],
      [70, 'to pod'],
    ]),
  };
  assert.equal(
    formatFlow(parseFlow('in_port=2,actions=output:3,4,resubmit(2,70),goto_table:71'), options),
    'table=classify, in_port=tun0 actions=output:"eth0.1",output:4,resubmit(tun0,"to pod"),goto_table:71',
  );
});

test('formatMatch() leaves out no field', () => {
  for (const name of FIELD_NAMES) {
    assert.match(formatMatch({ [name]: { value: 0n } }), /^\w+=./, name);
  }
});

test('formatMatch() folds fields of several names before it writes them', () => {
  assert.equal(formatMatch({ xreg0: { value: 5n }, vlan_vid: { value: 0x1005n } }), 'reg0=0,reg1=0x5,dl_vlan=5');
});

test('formatActions() writes drop for no actions, inside another list too', () => {
  assert.equal(formatActions([]), 'drop');
  assert.equal(formatActions([{ kind: 'clone', actions: [] }]), 'clone(drop)');
});

test('formatActions() writes reserved ports without output:', () => {
  assert.equal(
    formatActions([
      { kind: 'output', port: PORT.NORMAL },
      { kind: 'output', port: 9 },
    ]),
    'NORMAL,output:9',
  );
});
