import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@tenet/std';
import { LITTLE_ENDIAN } from './netlink/bytes.ts';
import { vlanTagIn, withVlanTag } from './packet-vlan-tag.ts';

/** `struct cmsghdr`; behind it status, lengths, offsets, TCI and TPID in the layout of linux/if_packet.h. */
const HEADER = '24000000000000000701000008000000';
// biome-ignore format: one row per message
const MESSAGES = [
  { name: 'no message at all', control: '00'.repeat(64), tag: undefined },
  { name: 'a message of another protocol', control: `24000000000000000100000008000000${'51000000'.repeat(5)}`, tag: undefined },
  { name: 'a message that is cut off', control: `20000000000000000701000008000000${'51000000'.repeat(5)}`, tag: undefined },
  { name: 'a frame without a tag', control: `${HEADER}01000000400000004000000000000e0000000000`, tag: undefined },
  { name: 'a tag', control: `${HEADER}51000000400000004000000000000e00a16f0081`, tag: '81006fa1' },
  { name: 'a tag of a provider', control: `${HEADER}51000000400000004000000000000e000700a888`, tag: '88a80007' },
  { name: 'a tag of a kernel that tells no TPID', control: `${HEADER}11000000400000004000000000000e0007000000`, tag: '81000007' },
];
for (const { name, control, tag } of MESSAGES)
  test(`vlanTagIn() reads ${name}`, { skip: !LITTLE_ENDIAN && 'written for little-endian' }, () => {
    const found = vlanTagIn(fromHex(control));
    assert.equal(found && toHex(found), tag);
  });

test('withVlanTag() puts the tag behind the addresses, and leaves a frame without one alone', () => {
  const frame = fromHex('0a0000000001 0a0000000002 88b5 01'.replaceAll(' ', ''));
  assert.equal(toHex(withVlanTag(frame, fromHex('81000007'))), '0a00000000010a0000000002'.concat('81000007', '88b501'));
  assert.equal(withVlanTag(frame, undefined), frame);
});
