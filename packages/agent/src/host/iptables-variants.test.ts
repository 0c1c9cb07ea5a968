import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IptablesVariant } from '@tenet/host';
import type { Census, DesiredRules } from '@tenet/netfilter';
import { errorKinds, isTenetError, kind } from '@tenet/std';
import { chooseVariant, findVariant } from './iptables-variants.ts';

const NONE: Census = { ownChains: 0, otherChains: 0, otherRules: 0 };
const OURS: Census = { ...NONE, ownChains: 6 };

const CASES: readonly { name: string; nft: Census; legacy: Census; chosen: IptablesVariant }[] = [
  { name: 'nft where there is nothing', nft: NONE, legacy: NONE, chosen: 'nft' },
  { name: 'the one where others have more', nft: NONE, legacy: { ...NONE, otherRules: 1 }, chosen: 'legacy' },
  {
    name: 'the one with more chains and rules together',
    nft: { ...NONE, otherRules: 2 },
    legacy: { ...NONE, otherChains: 2, otherRules: 1 },
    chosen: 'legacy',
  },
  {
    name: 'nft that holds ours, however many legacy has',
    nft: OURS,
    legacy: { ...NONE, otherRules: 60 },
    chosen: 'nft',
  },
  {
    name: 'legacy that holds ours, however many nft has',
    nft: { ...NONE, otherRules: 60 },
    legacy: OURS,
    chosen: 'legacy',
  },
  { name: 'nft when both hold ours alone', nft: OURS, legacy: { ...OURS, ownChains: 9 }, chosen: 'nft' },
  {
    name: 'the one that others use when both hold ours',
    nft: OURS,
    legacy: { ...OURS, otherRules: 3 },
    chosen: 'legacy',
  },
];

describe('chooseVariant()', () => {
  for (const { name, nft, legacy, chosen } of CASES)
    test(`chooses ${name}`, () => assert.equal(chooseVariant({ nft, legacy }), chosen));
});

describe('findVariant()', () => {
  const DESIRED: DesiredRules = { tables: [], ownedPrefixes: ['TENET-'] };
  const { error: toolError } = errorKinds({
    TOOL_MISSING: kind<object>({ says: () => 'not installed', remedy: () => 'install it' }),
    TOOL_NOT_STARTED: kind<object>({ says: () => 'not started', remedy: () => 'start it' }),
  });
  const find = (legacySave: () => string) =>
    findVariant(
      { iptablesSave: async ({ variant } = {}) => (variant === 'legacy' ? legacySave() : '') },
      DESIRED,
      AbortSignal.abort(),
    );

  test('fails when a variant does not start, and takes it for no empty one', async () => {
    const failing = find(() => {
      throw toolError('TOOL_NOT_STARTED', {});
    });
    await assert.rejects(failing, (error) => isTenetError(error, 'TOOL_NOT_STARTED'));
  });

  test('takes one that is not installed for empty', async () => {
    const found = find(() => {
      throw toolError('TOOL_MISSING', {});
    });
    assert.equal(await found, 'nft');
  });

  test('finds our chains in the words of iptables-save', async () => {
    assert.equal(await find(() => '*filter\n:TENET-GUARD - [0:0]\nCOMMIT\n'), 'legacy');
  });
});
