import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip } from '../ip.ts';
import { Mac } from '../mac.ts';
import { buildFrame } from './build-frame.ts';
import { internetChecksum } from './checksum.ts';
import type { TransportSpec } from './frame.ts';
import { echoReplyOf, echoRequest } from './icmp-echo.ts';
import { ICMPV4_TYPE } from './icmpv4.ts';

const MAC = Mac.parse('0a:58:0a:83:02:2d');
const ETHERNET_BYTES = 14;

/** An IPv4 packet as a raw socket hands it out: with its header, without Ethernet. */
function packet(transport: TransportSpec): Uint8Array {
  const ip = Ip.parse('10.131.2.45');
  const frame = buildFrame({
    ethernet: { source: MAC, destination: MAC },
    network: { kind: 'ipv4', header: { source: ip, destination: ip }, transport },
  });
  return frame.subarray(ETHERNET_BYTES);
}

describe('echoRequest()', () => {
  test('is type 8, code 0, with identifier, sequence and a right checksum (RFC 792)', () => {
    const bytes = echoRequest({ identifier: 0x1234, sequence: 0x5678, dataBytes: 3 });
    assert.deepEqual([...bytes.subarray(0, 2), ...bytes.subarray(4)], [8, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0]);
    assert.equal(internetChecksum(bytes), 0);
  });
});

describe('echoReplyOf()', () => {
  const echo = { kind: 'echo', code: 0, identifier: 7, sequence: 9, data: new Uint8Array(4) } as const;

  for (const [what, bytes] of [
    ['a request', packet({ kind: 'icmpv4', message: { ...echo, type: ICMPV4_TYPE.ECHO } })],
    ['a datagram', packet({ kind: 'udp', header: { sourcePort: 1, destinationPort: 2 } })],
    ['half a packet', packet({ kind: 'icmpv4', message: { ...echo, type: ICMPV4_TYPE.ECHO_REPLY } }).subarray(0, 22)],
    ['nothing', new Uint8Array()],
  ] as const) {
    test(`is undefined for ${what}`, () => assert.equal(echoReplyOf(bytes), undefined));
  }

  test('tells identifier, sequence and data of an answer', () => {
    const reply = echoReplyOf(packet({ kind: 'icmpv4', message: { ...echo, type: ICMPV4_TYPE.ECHO_REPLY } }));
    assert.deepEqual([reply?.identifier, reply?.sequence, reply?.data.length], [7, 9, 4]);
  });
});
