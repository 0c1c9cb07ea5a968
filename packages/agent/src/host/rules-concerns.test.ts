import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ARTICLE_NODE, hostRules } from '@tenet/pipeline';
import { iptablesConcerns, nftablesConcerns } from './rules-concerns.ts';

const { node } = ARTICLE_NODE;

/** A change in words: family, table, chain. */
function change(words: string) {
  const [family, table = '', chain] = words.split(' ');
  return { generation: 1, family: Number(family), table, ...(chain !== undefined && { chain }) };
}

describe('iptablesConcerns()', () => {
  const concernsOf = iptablesConcerns(hostRules(node, { serviceChains: true }));
  // biome-ignore format: columns are the table
  const ROWS: readonly (readonly [change: string, concerns: string])[] = [
    ['1 filter FORWARD', ''], ['10 nat KUBE-SERVICES', ''], ['2 mine', ''], ['2 tenet', ''], ['2 mangle FORWARD', ''],
    ['2 filter DOCKER', ''], ['2 filter KUBE-FIREWALL', ''], ['2 nat KUBE-MARK-DROP', ''], ['2 nat KUBE-KUBELET-CANARY', ''],
    ['2 filter FORWARD', 'host'], ['2 raw PREROUTING', 'host'], ['2 nat POSTROUTING', 'host'],
    ['2 filter TENET-GUARD', 'host'], ['2 nat TENET-OLD', 'host'], ['2 filter OPENSHIFT-ADMIN-OUTPUT-RULES', 'host'],
    ['2 nat KUBE-SVC-BWSQUABZDDFLJOKN', 'services'], ['2 nat KUBE-MARK-MASQ', 'services'],
    ['2 nat KUBE-SERVICES', 'host services'], ['2 filter KUBE-PORTALS', 'host services'],
    ['2 nat', 'host services'], ['2 raw', 'host services'],
  ];
  for (const [words, concerns] of ROWS) {
    test(`${words} concerns ${concerns || 'nobody'}`, () => {
      assert.equal(concernsOf(change(words)).join(' '), concerns);
    });
  }
});

describe('nftablesConcerns()', () => {
  for (const [words, concerns] of [
    ['2 nat KUBE-SERVICES', ''],
    ['1 tenet', ''],
    ['2 tenet', 'services'],
    ['2 tenet services', 'services'],
  ] as const)
    test(`${words} concerns ${concerns || 'nobody'}`, () => {
      assert.equal(nftablesConcerns(change(words)).join(' '), concerns);
    });
});
