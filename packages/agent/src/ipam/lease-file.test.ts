import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bareLease, readLease, writeLease } from './lease-file.ts';

const text = fc.string({ unit: 'grapheme' });
const name = fc.string({ unit: 'grapheme', minLength: 1 });
const plain = { noNullPrototype: true };
const lease = fc.record(
  {
    attachment: fc.record({ containerId: name, ifName: name }, plain),
    netns: text,
    pod: fc.record({ namespace: text, name: text, uid: text }, plain),
    network: text,
    isAttached: fc.boolean(),
  },
  plain,
);

describe('readLease()', () => {
  const NOTHING = [
    { name: 'nothing', file: '' },
    { name: 'one line', file: 'c1\n' },
    { name: 'three lines', file: 'c1\neth0\nmore\n' },
    { name: 'JSON that was cut off', file: '{"containerId":"c1","ifName":"eth0"' },
    { name: 'JSON without a container', file: '{"ifName":"eth0"}\n' },
  ];
  for (const { name: what, file } of NOTHING) {
    test(`is undefined for ${what}`, () => assert.equal(readLease(file), undefined));
  }

  test('reads the older form of two lines, of which no more is known', () => {
    const read = readLease('c1\neth0\n');
    assert.deepEqual(read?.attachment, { containerId: 'c1', ifName: 'eth0' });
    assert.deepEqual([read?.netns, read?.network, read?.isAttached], ['', '', false]);
  });

  test('takes a mark that a power cut has torn for none', () => {
    const attachment = { containerId: 'c1', ifName: 'eth0' };
    const whole = writeLease({ ...bareLease(attachment), isAttached: true });
    assert.equal(readLease(whole)?.isAttached, true);
    assert.equal(readLease(whole.slice(0, -4))?.isAttached, false);
  });

  test('reads what writeLease() wrote', () => {
    fc.assert(fc.property(lease, (value) => assert.deepEqual(readLease(writeLease(value)), value)));
  });

  test('any text at all is a lease or undefined', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (file) => void readLease(file)));
  });
});
