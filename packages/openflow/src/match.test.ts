import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalMatch, type MatchInput } from './match.ts';

const REFUSED: readonly (readonly [why: string, match: MatchInput])[] = [
  ['a value is wider than its field', { ip_proto: 256 }],
  ['a mask is wider than its field', { eth_src: { value: 0n, mask: 1n << 48n } }],
  ['a name is no field', JSON.parse('{"nsh_spi": 1}')],
  ['an xreg and its half disagree', { reg0: 1, xreg0: 0n }],
  ['a VLAN priority is asked of an untagged packet', { vlan_vid: 0, vlan_pcp: 3 }],
];
for (const [why, match] of REFUSED) {
  test(`canonicalMatch() throws RangeError when ${why}`, () => {
    assert.throws(() => canonicalMatch(match), RangeError);
  });
}

const CANONICAL: readonly (readonly [what: string, match: MatchInput, is: MatchInput])[] = [
  ['clears value bits outside the mask', { reg0: { value: 0xffn, mask: 0xfn } }, { reg0: { value: 0xfn, mask: 0xfn } }],
  ['drops a full mask', { ip_src: { value: 1n, mask: 0xffff_ffffn } }, { ip_src: { value: 1n } }],
  ['drops a field under an empty mask', { ip_src: { value: 1n, mask: 0n } }, {}],
  ['splits an xreg', { xreg1: (7n << 32n) | 9n }, { reg2: { value: 7n }, reg3: { value: 9n } }],
  [
    'splits a masked xreg and leaves out the half that is not matched',
    { xreg0: { value: 5n, mask: 0xffn } },
    { reg1: { value: 5n, mask: 0xffn } },
  ],
  ['joins an xreg and a register that agree', { reg0: 0, xreg0: 5n }, { reg0: { value: 0n }, reg1: { value: 5n } }],
  [
    'keeps "tagged" as vlan_tci',
    { vlan_vid: { value: 0x1000n, mask: 0x1000n } },
    { vlan_tci: { value: 0x1000n, mask: 0x1000n } },
  ],
  ['joins VLAN id and priority', { vlan_vid: 0x1005, vlan_pcp: 3 }, { vlan_tci: { value: 0x7005n } }],
  [
    'takes all eight conntrack flags as exact',
    { ct_state: { value: 0x22n, mask: 0xffn } },
    { ct_state: { value: 0x22n } },
  ],
];
for (const [what, match, is] of CANONICAL) {
  test(`canonicalMatch() ${what}`, () => {
    assert.deepEqual(canonicalMatch(match), is);
    assert.deepEqual(canonicalMatch(canonicalMatch(match)), is);
  });
}

test('canonicalMatch() orders fields as the table does', () => {
  assert.deepEqual(Object.keys(canonicalMatch({ tcp_dst: 80, eth_type: 0x800, in_port: 1, ip_proto: 6 })), [
    'in_port',
    'eth_type',
    'ip_proto',
    'tcp_dst',
  ]);
});
