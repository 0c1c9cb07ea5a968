import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { spellRule } from './spell-rule.ts';

const DADDR = '{"payload":{"protocol":"ip","field":"daddr"}}';
const SADDR = '{"payload":{"protocol":"ip","field":"saddr"}}';
const BY_ADDRESS = `{"concat":[${DADDR},{"meta":{"key":"l4proto"}},{"payload":{"protocol":"th","field":"dport"}}]}`;
const MARK = '{"meta":{"key":"mark"}}';

/** What `nft -j list` of version 1.0.6 prints for each rule. */
const LISTED: readonly (readonly [rule: string, listed: string])[] = [
  [
    'iifname != tun0 meta mark set meta mark | 0x4000',
    `{"match":{"op":"!=","left":{"meta":{"key":"iifname"}},"right":"tun0"}},{"mangle":{"key":${MARK},"value":{"|":[${MARK},16384]}}}`,
  ],
  [
    'meta mark & 0x4000 == 0x4000 meta mark set meta mark & 0xffffbfff masquerade fully-random',
    `{"match":{"op":"==","left":{"&":[${MARK},16384]},"right":16384}},{"mangle":{"key":${MARK},"value":{"&":[${MARK},4294950911]}}},{"masquerade":{"flags":"fully-random"}}`,
  ],
  [
    'ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random',
    `{"match":{"op":"in","left":{"ct":{"key":"status"}},"right":"dnat"}},{"match":{"op":"==","left":{"concat":[${SADDR},${DADDR}]},"right":"@hairpins"}},{"masquerade":{"flags":"fully-random"}}`,
  ],
  ['ip daddr . meta l4proto . th dport vmap @services', `{"vmap":{"key":${BY_ADDRESS},"data":"@services"}}`],
  [
    'dnat ip to ip daddr . meta l4proto . th dport map @portals',
    `{"dnat":{"family":"ip","addr":{"map":{"key":${BY_ADDRESS},"data":"@portals"}}}}`,
  ],
  [
    'dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
    `{"dnat":{"family":"ip","addr":{"map":{"key":{"concat":[${DADDR},{"payload":{"protocol":"tcp","field":"dport"}},{"numgen":{"mode":"random","mod":2,"offset":0}}]},"data":"@tcp-endpoints"}}}}`,
  ],
  [
    'fib daddr type local ip daddr != 127.0.0.0/8 goto node-ports',
    `{"match":{"op":"==","left":{"fib":{"result":"type","flags":["daddr"]}},"right":"local"}},{"match":{"op":"!=","left":${DADDR},"right":{"prefix":{"addr":"127.0.0.0","len":8}}}},{"goto":{"target":"node-ports"}}`,
  ],
  [
    'numgen random mod 2 0 update @clients/a { ip saddr timeout 10s } meta l4proto tcp dnat ip to 1.2.3.4:80',
    `{"match":{"op":"==","left":{"numgen":{"mode":"random","mod":2,"offset":0}},"right":0}},{"set":{"op":"update","elem":{"elem":{"val":${SADDR},"timeout":10}},"set":"@clients/a"}},{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":"tcp"}},{"dnat":{"addr":"1.2.3.4","port":80}}`,
  ],
  [
    'meta l4proto udp dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }',
    '{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":"udp"}},{"dnat":{"family":"ip","addr":{"map":{"key":{"numgen":{"mode":"random","mod":2,"offset":0}},"data":{"set":[[0,{"concat":["10.0.0.1",80]}],[1,{"concat":["10.0.0.2",80]}]]}}}}}',
  ],
  ['reject with icmp port-unreachable', '{"reject":{"type":"icmp","expr":"port-unreachable"}}'],
  [
    'ct state new goto refused',
    '{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}},{"goto":{"target":"refused"}}',
  ],
  ['ct status dnat accept', '{"match":{"op":"in","left":{"ct":{"key":"status"}},"right":"dnat"}},{"accept":null}'],
  ['ip saddr 10.1.2.3 return', `{"match":{"op":"==","left":${SADDR},"right":"10.1.2.3"}},{"return":null}`],
  ['jump services', '{"jump":{"target":"services"}}'],
  ['drop', '{"drop":null}'],
];

/** Rules that we never write; each differs little from one of ours. */
const STRANGE: readonly string[] = [
  '{"drop":{"code":1}}',
  '{"dnat":{"family":"ip","addr":"1.2.3.4","port":80,"flags":"random"}}',
  '{"masquerade":{"flags":"fully-random","port":80}}',
  '{"masquerade":null}',
  '{"numgen":{"mode":"random","mod":2,"offset":1}}',
  '{"set":{"op":"update","elem":{"elem":{"val":"1.2.3.4","timeout":10,"limit":1}},"set":"@a"}}',
  '{"goto":{"target":"a","also":"b"}}',
  '{"log":{"prefix":"x"}}',
  '{"a":1,"b":2}',
  '[]',
  '7',
];

describe('spellRule()', () => {
  for (const listed of STRANGE)
    test(`gives what equals no rule of ours when nft lists ${listed}`, () => {
      const ours = new Set(LISTED.flatMap(([rule]) => [rule, ...rule.split(' ')]));
      assert.ok(!ours.has(spellRule([JSON.parse(listed)])));
    });

  test('gives text for what is no list', () => {
    for (const value of [undefined, null, 7, 'drop', {}])
      assert.ok(!LISTED.some(([rule]) => rule === spellRule(value)));
  });

  for (const [rule, listed] of LISTED)
    test(`gives "${rule}" when nft lists it`, () => {
      assert.equal(spellRule(JSON.parse(`[${listed}]`)), rule);
    });
});
