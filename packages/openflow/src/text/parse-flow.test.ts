import assert from 'node:assert/strict';
import test from 'node:test';
import { isTenetError } from '@tenet/std';
import fc from 'fast-check';
import { arbitraryFlow } from '../../testing/arbitrary-flow.ts';
import type { Action, ActionKind } from '../action.ts';
import { FIELD_NAMES } from '../fields.ts';
import { type Flow, type Match, PORT } from '../flow.ts';
import { formatFlow } from './format-flow.ts';
import { parseFlow } from './parse-flow.ts';

// biome-ignore format: columns are the documentation
const REFUSED: readonly (readonly [why: string, text: string, code: string, column: number])[] = [
  ['nothing',                               '',                                        'FLOW_TEXT_MALFORMED', 1],
  ['no actions',                            'table=0,ip',                              'FLOW_TEXT_MALFORMED', 11],
  ['an unknown field',                      'ip,nsh_spi=5 actions=drop',               'FLOW_FIELD_UNKNOWN', 4],
  ['an unknown shorthand',                  'ipx actions=drop',                        'FLOW_FIELD_UNKNOWN', 1],
  ['a constructor as a field',              'constructor=1 actions=drop',              'FLOW_FIELD_UNKNOWN', 1],
  ['an unknown attribute',                  'out_port=5 actions=drop',                 'FLOW_FIELD_UNKNOWN', 1],
  ['an attribute twice',                    'table=1,table=2 actions=drop',            'FLOW_TEXT_MALFORMED', 9],
  ['a cookie with a mask',                  'cookie=1/2 actions=drop',                 'FLOW_TEXT_MALFORMED', 8],
  ['table 255',                             'table=255 actions=drop',                  'FLOW_TEXT_MALFORMED', 7],
  ['an octal number',                       'tcp,tp_dst=010 actions=drop',             'FLOW_TEXT_MALFORMED', 12],
  ['a number that is too large',            'priority=65536 actions=drop',             'FLOW_TEXT_MALFORMED', 10],
  ['a field without a value',               'ip,nw_src= actions=drop',                 'FLOW_TEXT_MALFORMED', 11],
  ['a port without its protocol',           'ip,tp_dst=53 actions=drop',               'FLOW_TEXT_MALFORMED', 4],
  ['a port of another protocol',            'udp,tcp_dst=53 actions=drop',             'FLOW_TEXT_MALFORMED', 5],
  ['an address without ip',                 'nw_src=10.0.0.1 actions=drop',            'FLOW_TEXT_MALFORMED', 1],
  ['ND without its type',                   'icmp6,nd_target=::1 actions=drop',        'FLOW_TEXT_MALFORMED', 7],
  ['two protocols',                         'tcp,udp actions=drop',                    'FLOW_TEXT_MALFORMED', 5],
  ['two values of a field',                 'reg0=1,reg0=2 actions=drop',              'FLOW_TEXT_MALFORMED', 8],
  ['a mask where none is possible',         'ct_zone=5/0xff actions=drop',             'FLOW_TEXT_MALFORMED', 1],
  ['an IPv6 address for IPv4',              'ip,nw_src=::1 actions=drop',              'FLOW_TEXT_MALFORMED', 11],
  ['a prefix that is too long',             'ip,nw_src=10.0.0.0/33 actions=drop',      'FLOW_TEXT_MALFORMED', 20],
  ['an unknown conntrack flag',             'ct_state=+trk+foo actions=drop',          'FLOW_TEXT_MALFORMED', 15],
  ['a conntrack flag both ways',            'ct_state=+trk-trk actions=drop',          'FLOW_TEXT_MALFORMED', 14],
  ['an unknown kind of fragment',           'ip,nw_frag=last actions=drop',            'FLOW_TEXT_MALFORMED', 12],
  ['a port name that nobody gave',          'in_port=eth0 actions=drop',               'FLOW_TEXT_MALFORMED', 9],
  ['bits outside of a register',            'actions=load:1->NXM_NX_REG0[32]',         'FLOW_TEXT_MALFORMED', 17],
  ['bits in the wrong order',               'actions=output:NXM_NX_REG0[15..0]',       'FLOW_TEXT_MALFORMED', 16],
  ['a load that does not fit',              'actions=load:256->NXM_NX_REG0[0..7]',     'FLOW_TEXT_MALFORMED', 14],
  ['a load of more than 64 bits',           'actions=load:1->NXM_NX_CT_LABEL[]',       'FLOW_TEXT_MALFORMED', 17],
  ['a load into an unknown field',          'actions=load:1->NXM_NX_XXREG0[]',         'FLOW_FIELD_UNKNOWN', 17],
  ['a move between different widths',       'actions=move:NXM_NX_TUN_ID[]->NXM_NX_REG0[]', 'FLOW_TEXT_MALFORMED', 31],
  ['a set_field under an empty mask',       'actions=set_field:0x10/0->reg0',          'FLOW_TEXT_MALFORMED', 19],
  ['an unknown action',                     'actions=learn(table=1)',                  'FLOW_ACTION_UNKNOWN', 9],
  ['an unknown action among known ones',    'actions=output:1,exit,output:2',          'FLOW_ACTION_UNKNOWN', 18],
  ['a constructor as an action',            'actions=constructor:1',                   'FLOW_ACTION_UNKNOWN', 9],
  ['dec_ttl with controllers',              'ip actions=dec_ttl(1,2)',                 'FLOW_ACTION_UNKNOWN', 12],
  ['an unknown part of ct',                 'ip actions=ct(timeout=tp)',               'FLOW_ACTION_UNKNOWN', 15],
  ['mod_vlan_vid where it would push a tag', 'actions=mod_vlan_vid:5',                 'FLOW_ACTION_UNKNOWN', 9],
  ['mod_tp_dst without a protocol',         'ip actions=mod_tp_dst:5',                 'FLOW_TEXT_MALFORMED', 12],
  ['drop beside another action',            'actions=drop,output:1',                   'FLOW_TEXT_MALFORMED', 9],
  ['force without commit',                  'ip actions=ct(force)',                    'FLOW_TEXT_MALFORMED', 15],
  ['nat flags without a direction',         'ip actions=ct(commit,nat(random))',       'FLOW_TEXT_MALFORMED', 26],
  ['nat from high to low',                  'ip actions=ct(commit,nat(src=10.0.0.9-10.0.0.1))', 'FLOW_TEXT_MALFORMED', 30],
  ['a clause beyond the conjunction',       'actions=conjunction(5,3/2)',              'FLOW_TEXT_MALFORMED', 21],
  ['resubmit to nowhere',                   'actions=resubmit(,)',                     'FLOW_TEXT_MALFORMED', 18],
  ['an open parenthesis',                   'actions=clone(output:1',                  'FLOW_TEXT_MALFORMED', 23],
  ['half a byte in a note',                 'actions=note:5',                          'FLOW_TEXT_MALFORMED', 14],
  ['lists nested without end',              `actions=${'clone('.repeat(40)}${')'.repeat(40)}`, 'FLOW_TEXT_MALFORMED', 111],
];
for (const [why, text, code, column] of REFUSED) {
  test(`parseFlow() throws ${code} when given ${why}`, () => {
    assert.throws(
      () => parseFlow(text),
      (error) => {
        assert.ok(isTenetError(error, code), String(error));
        assert.deepEqual({ text: error.facts.text, column: error.facts.column }, { text, column }, error.message);
        return true;
      },
    );
  });
}

const IP = { eth_type: { value: 0x800n } };
const TCP = { ...IP, ip_proto: { value: 6n } };

// biome-ignore format: columns are the documentation
const MATCHES: readonly (readonly [text: string, match: Match])[] = [
  ['', {}],
  ['ip', IP],
  ['eth_type=0x800', IP],
  ['dl_type=2048,nw_proto=6', TCP],
  ['tcp,nw_src=10.128.0.0/14', { ...TCP, ip_src: { value: 0x0a800000n, mask: 0xfffc0000n } }],
  ['ip,nw_src=10.0.1.9/255.0.255.0', { ...IP, ip_src: { value: 0x0a000100n, mask: 0xff00ff00n } }],
  ['ip,nw_src=10.0.0.1/32', { ...IP, ip_src: { value: 0x0a000001n } }],
  ['ip,nw_src=0.0.0.0/0', IP],
  ['tp_dst=0x50,tcp', { ...TCP, tcp_dst: { value: 80n } }],
  ['tcp,tcp_dst=80', { ...TCP, tcp_dst: { value: 80n } }],
  ['udp,tp_src=0x400/0xfc00', { ...IP, ip_proto: { value: 17n }, udp_src: { value: 0x400n, mask: 0xfc00n } }],
  ['sctp,tp_dst=9', { ...IP, ip_proto: { value: 132n }, sctp_dst: { value: 9n } }],
  ['icmp,icmp_type=5', { ...IP, ip_proto: { value: 1n }, icmp_type: { value: 5n } }],
  ['icmp6,icmp_type=135,nd_target=fe80::1', { eth_type: { value: 0x86ddn }, ip_proto: { value: 58n }, icmpv6_type: { value: 135n }, nd_target: { value: (0xfe80n << 112n) | 1n } }],
  ['tcp6,ipv6_src=fe80::/10', { eth_type: { value: 0x86ddn }, ipv6_src: { value: 0xfe80n << 112n, mask: 0x3ffn << 118n }, ip_proto: { value: 6n } }],
  ['in_port=2,arp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_proto=1', { in_port: { value: 2n }, eth_type: { value: 0x806n }, arp_op: { value: 1n }, arp_spa: { value: 0x0a000001n }, arp_tpa: { value: 0x0a000002n } }],
  ['arp,arp_sha=00:00:0a:83:02:2a/00:00:ff:ff:ff:ff', { eth_type: { value: 0x806n }, arp_sha: { value: 0x0a83022an, mask: 0xffffffffn } }],
  ['in_port=LOCAL', { in_port: { value: BigInt(PORT.LOCAL) } }],
  ['in_port=65534', { in_port: { value: BigInt(PORT.LOCAL) } }],
  ['ct_state=+trk+rpl', { ct_state: { value: 0x28n, mask: 0x28n } }],
  ['ct_state=-trk', { ct_state: { value: 0n, mask: 0x20n } }],
  ['ct_state=0x22/0x22', { ct_state: { value: 0x22n, mask: 0x22n } }],
  ['ct_state=est|trk', { ct_state: { value: 0x22n } }],
  ['ct_mark=0x1/0x1', { ct_mark: { value: 1n, mask: 1n } }],
  ['tcp,tcp_flags=-syn-fin-rst', { ...TCP, tcp_flags: { value: 0n, mask: 7n } }],
  ['tcp,tcp_flags=0x12/0x3f', { ...TCP, tcp_flags: { value: 0x12n, mask: 0x3fn } }],
  ['ip,nw_frag=later', { ...IP, ip_frag: { value: 3n } }],
  ['ip,nw_frag=not_later', { ...IP, ip_frag: { value: 0n, mask: 2n } }],
  ['ip,ip_frag=yes', { ...IP, ip_frag: { value: 1n, mask: 1n } }],
  ['ip,nw_tos=0x10', { ...IP, ip_dscp: { value: 4n } }],
  ['vlan_tci=0x1000/0x1000', { vlan_tci: { value: 0x1000n, mask: 0x1000n } }],
  ['dl_vlan=5', { vlan_tci: { value: 0x1005n, mask: 0x1fffn } }],
  ['dl_vlan=5,dl_vlan_pcp=3', { vlan_tci: { value: 0x7005n } }],
  ['dl_vlan=0xffff', { vlan_tci: { value: 0n } }],
  ['reg0=0xa1', { reg0: { value: 0xa1n } }],
  ['NXM_NX_REG0[0..15]=5', { reg0: { value: 5n, mask: 0xffffn } }],
  ['reg0[0..15]=5,reg0[31]=1', { reg0: { value: 0x8000_0005n, mask: 0x8000_ffffn } }],
  ['xreg0=0x500000007', { reg0: { value: 5n }, reg1: { value: 7n } }],
  ['tun_id=5,tun_src=10.0.0.1,metadata=9', { metadata: { value: 9n }, tun_id: { value: 5n }, tun_src: { value: 0x0a000001n } }],
];
for (const [text, match] of MATCHES) {
  test(`parseFlow() reads the match ${text === '' ? 'of every packet' : text}`, () => {
    assert.deepEqual(parseFlow(`${text} actions=drop`).match, match);
  });
}

const reg = (field: 'reg0' | 'reg2', offset = 0, bits = 32) => ({ field, offset, bits });

// biome-ignore format: columns are the documentation
const ACTIONS: readonly (readonly [text: string, actions: readonly Action[]])[] = [
  ['drop', []],
  ['2', [{ kind: 'output', port: 2 }]],
  ['output:1 output:2', [{ kind: 'output', port: 1 }, { kind: 'output', port: 2 }]],
  ['LOCAL,normal', [{ kind: 'output', port: PORT.LOCAL }, { kind: 'output', port: PORT.NORMAL }]],
  ['CONTROLLER:65535', [{ kind: 'output', port: PORT.CONTROLLER, maxLen: 65535 }]],
  ['controller', [{ kind: 'output', port: PORT.CONTROLLER, maxLen: 65535 }]],
  ['controller(max_len=64)', [{ kind: 'output', port: PORT.CONTROLLER, maxLen: 64 }]],
  ['controller(reason=no_match,id=3,userdata=01.02)', [{ kind: 'controller', maxLen: 65535, reason: 0, id: 3, userdata: Uint8Array.of(1, 2) }]],
  ['output(port=5,max_len=100)', [{ kind: 'output', port: 5, maxLen: 100 }]],
  ['output:NXM_NX_REG2[]', [{ kind: 'output_reg', src: reg('reg2') }]],
  ['output:reg2', [{ kind: 'output_reg', src: reg('reg2') }]],
  ['load:0xa1->NXM_NX_REG0[]', [{ kind: 'load', value: 0xa1n, dst: reg('reg0') }]],
  ['load:5->reg0[3..6]', [{ kind: 'load', value: 5n, dst: reg('reg0', 3, 4) }]],
  ['load:0->NXM_OF_IN_PORT[]', [{ kind: 'load', value: 0n, dst: { field: 'in_port', offset: 0, bits: 16 } }]],
  ['move:NXM_NX_TUN_ID[0..31]->NXM_NX_REG0[]', [{ kind: 'move', src: { field: 'tun_id', offset: 0, bits: 32 }, dst: reg('reg0') }]],
  ['move:nw_dst->eth_dst[0..31]', [{ kind: 'move', src: { field: 'ip_dst', offset: 0, bits: 32 }, dst: { field: 'eth_dst', offset: 0, bits: 32 } }]],
  ['set_field:10.1.2.3->tun_dst', [{ kind: 'set_field', field: 'tun_dst', value: 0x0a010203n }]],
  ['set_field:0a:58:00:00:00:00/ff:ff:00:00:00:00->eth_dst', [{ kind: 'set_field', field: 'eth_dst', value: 0x0a58_0000_0000n, mask: 0xffff_0000_0000n }]],
  ['set_field:0xff/0xf->reg0', [{ kind: 'set_field', field: 'reg0', value: 0xfn, mask: 0xfn }]],
  ['set_field:5->tp_dst', [{ kind: 'set_field', field: 'tcp_dst', value: 5n }]],
  ['mod_dl_dst:02:00:00:00:00:01', [{ kind: 'set_field', field: 'eth_dst', value: 0x0200_0000_0001n }]],
  ['mod_nw_src:10.0.0.1,mod_tp_dst:80,mod_nw_tos:16', [{ kind: 'set_field', field: 'ip_src', value: 0x0a000001n }, { kind: 'set_field', field: 'tcp_dst', value: 80n }, { kind: 'set_field', field: 'ip_dscp', value: 4n }]],
  ['set_tunnel:0x5', [{ kind: 'set_field', field: 'tun_id', value: 5n }]],
  ['ct', [{ kind: 'ct' }]],
  ['ct(zone=0)', [{ kind: 'ct' }]],
  ['ct(nat,table=70)', [{ kind: 'ct', nat: {}, table: 70 }]],
  ['ct(table=21,zone=25)', [{ kind: 'ct', table: 21, zone: 25 }]],
  ['ct(commit,zone=NXM_NX_REG0[0..15])', [{ kind: 'ct', commit: true, zone: reg('reg0', 0, 16) }]],
  ['ct(commit,zone=25,exec(load:1->NXM_NX_CT_MARK[0]))', [{ kind: 'ct', commit: true, zone: 25, exec: [{ kind: 'load', value: 1n, dst: { field: 'ct_mark', offset: 0, bits: 1 } }] }]],
  ['ct(commit,force,nat(src=10.0.0.1-10.0.0.9:1024-2047,random),alg=ftp)', [{ kind: 'ct', commit: true, force: true, nat: { direction: 'src', ipMin: 0x0a000001n, ipMax: 0x0a000009n, family: 4, portMin: 1024, portMax: 2047, random: true }, alg: 21 }]],
  ['ct(commit,nat(dst=[fe80::1]:80))', [{ kind: 'ct', commit: true, nat: { direction: 'dst', ipMin: (0xfe80n << 112n) | 1n, family: 6, portMin: 80 } }]],
  ['ct(commit,nat(src=fe80::1-fe80::5))', [{ kind: 'ct', commit: true, nat: { direction: 'src', ipMin: (0xfe80n << 112n) | 1n, ipMax: (0xfe80n << 112n) | 5n, family: 6 } }]],
  ['ct(commit,nat(src,random))', [{ kind: 'ct', commit: true, nat: { direction: 'src' } }]],
  ['ct_clear,clear_actions,dec_ttl', [{ kind: 'ct_clear' }, { kind: 'clear_actions' }, { kind: 'dec_ttl' }]],
  ['resubmit:10', [{ kind: 'resubmit', inPort: 10 }]],
  ['resubmit(,10)', [{ kind: 'resubmit', table: 10 }]],
  ['resubmit(in_port,3)', [{ kind: 'resubmit', table: 3 }]],
  ['resubmit(2,3,ct)', [{ kind: 'resubmit', inPort: 2, table: 3, ct: true }]],
  ['note:54.45.4E', [{ kind: 'note', bytes: Uint8Array.of(0x54, 0x45, 0x4e, 0, 0, 0) }]],
  ['conjunction(5,1/3)', [{ kind: 'conjunction', id: 5, clause: 1, of: 3 }]],
  ['clone(output:1,clone(drop)),3', [{ kind: 'clone', actions: [{ kind: 'output', port: 1 }, { kind: 'clone', actions: [] }] }, { kind: 'output', port: 3 }]],
  ['meter:4,group:7', [{ kind: 'meter', meter: 4 }, { kind: 'group', group: 7 }]],
  ['push_vlan:0x8100,strip_vlan', [{ kind: 'push_vlan', ethType: 0x8100 }, { kind: 'pop_vlan' }]],
  ['write_actions(output:1),write_metadata:0x5/0xff,goto_table:9', [{ kind: 'write_actions', actions: [{ kind: 'output', port: 1 }] }, { kind: 'write_metadata', value: 5n, mask: 0xffn }, { kind: 'goto_table', table: 9 }]],
  ['write_actions(drop)', []],
];
for (const [text, actions] of ACTIONS) {
  test(`parseFlow() reads the actions ${text}`, () => {
    assert.deepEqual(parseFlow(`tcp actions=${text}`).actions, actions);
  });
}

test('parseFlow() reads attributes, flags and statistics in any place', () => {
  const flow: Flow = {
    table: 3,
    priority: 7,
    cookie: 0xdd00_0000_0000_0001n,
    idleTimeoutS: 5,
    hardTimeoutS: 6,
    flags: 5,
    importance: 9,
    stats: { durationMs: 12_300, packets: 4n, bytes: 400n, idleAgeS: 2, hardAgeS: 3 },
    match: IP,
    actions: [],
  };
  const dumped =
    ' cookie=0xdd00000000000001, duration=12.3s, table=3, n_packets=4, n_bytes=400, idle_timeout=5, hard_timeout=6, ' +
    'send_flow_rem reset_counts importance=9, idle_age=2, hard_age=3, priority=7,ip actions=drop  ';
  assert.deepEqual(parseFlow(dumped), flow);
  assert.deepEqual(
    parseFlow(
      'ip,importance=9,hard_age=3,idle_age=2,n_bytes=400,n_packets=4,duration=12.3s,reset_counts,send_flow_rem,' +
        'hard_timeout=6,idle_timeout=5,cookie=0xdd00000000000001,priority=7,table=3,action=drop',
    ),
    flow,
  );
});

test('parseFlow() takes the protocol’s own defaults when text leaves them out', () => {
  assert.deepEqual(parseFlow('actions=drop'), { table: 0, priority: 32768, cookie: 0n, match: {}, actions: [] });
});

test('parseFlow() reads names of ports and tables when told what they are', () => {
  const ports = new Map([
    ['tun0', 2],
    ['eth0.1, (odd)', 4],
  ]);
  const tables = new Map([['toPod', 70]]);
  assert.deepEqual(parseFlow('table=toPod,in_port=tun0 actions="eth0.1, (odd)",goto_table:toPod', { ports, tables }), {
    table: 70,
    priority: 32768,
    cookie: 0n,
    match: { in_port: { value: 2n } },
    actions: [
      { kind: 'output', port: 4 },
      { kind: 'goto_table', table: 70 },
    ],
  });
});

test('arbitraryFlow() has every field and every kind of action among a thousand flows', () => {
  const flows = fc.sample(arbitraryFlow(), { numRuns: 1000, seed: 1 });
  const fields = new Set(flows.flatMap(({ match }) => Object.keys(match)));
  const folded = /^(xreg\d|vlan_vid|vlan_pcp)$/;
  assert.deepEqual(
    new Set(FIELD_NAMES.filter((name) => !folded.test(name))),
    new Set(FIELD_NAMES.filter((name) => fields.has(name))),
  );
  const kinds: Record<ActionKind, number> = {
    ...{ output: 0, output_reg: 0, group: 0, controller: 0, resubmit: 0, load: 0, move: 0, set_field: 0, ct: 0 },
    ...{ ct_clear: 0, note: 0, conjunction: 0, clone: 0, dec_ttl: 0, push_vlan: 0, pop_vlan: 0, meter: 0 },
    ...{ write_actions: 0, clear_actions: 0, write_metadata: 0, goto_table: 0 },
  };
  for (const { actions } of flows) for (const { kind } of actions) kinds[kind]++;
  assert.deepEqual(
    Object.entries(kinds).filter(([, count]) => count === 0),
    [],
  );
});

test('parseFlow() reads back what formatFlow() writes, for any flow', () => {
  fc.assert(
    fc.property(arbitraryFlow({ stats: true }), (flow) => {
      assert.deepEqual(parseFlow(formatFlow(flow, { statistics: flow.stats !== undefined })), flow);
    }),
    { numRuns: 150 },
  );
});

/** Text that gets further than noise does. */
const FLOWISH = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'actions= priority= table= tcp ip arp reg0 nw_src= tp_dst= ct( nat( exec( clone( ) [ ] .. -> : / , + - " \\'.split(
          ' ',
        ),
      ),
      fc.constantFrom(...MATCHES.map(([text]) => text), ...ACTIONS.map(([text]) => text)),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

test('parseFlow() ends in a flow or in an error of ours, for any text', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        FLOWISH,
        FLOWISH.map((text) => `actions=${text}`),
      ),
      (text) => {
        try {
          const flow = parseFlow(text);
          assert.deepEqual(parseFlow(formatFlow(flow, { statistics: flow.stats !== undefined })), flow);
        } catch (error) {
          assert.ok(isTenetError(error), String(error));
          assert.match(error.code, /^FLOW_/);
        }
      },
    ),
    { numRuns: 1500 },
  );
});
