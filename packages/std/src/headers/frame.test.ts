import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FRAMES } from '../../testing/frames.ts';
import { ByteReader, ByteWriter, fromHex, toHex } from '../bytes.ts';
import { isTenetError } from '../errors.ts';
import { Ip } from '../ip.ts';
import { Mac } from '../mac.ts';
import { buildFrame } from './build-frame.ts';
import type { Frame, FrameSpec, NetworkSpec, TransportSpec } from './frame.ts';
import { parseFrame } from './parse-frame.ts';
import { parseSctpInit, writeSctpInit } from './sctp.ts';
import { parseVxlan, writeVxlan } from './vxlan.ts';

type Name = keyof typeof FRAMES;

/** What must be read from each frame: a line that tcpdump's own reading agrees with. */
const READINGS: Readonly<Record<Name, string>> = {
  arpRequest: 'arp op 1 10.131.2.1 (0a:58:0a:83:02:01) -> 10.131.2.45 (00:00:00:00:00:00)',
  icmpv4Echo: 'ipv4 10.131.2.1 > 10.131.2.45 id 10586 ttl 64 DF; echo 8/0 id 15538 seq 1, 16 bytes',
  icmpv4EchoRecordRoute:
    'ipv4 10.131.2.1 > 10.131.2.45 id 10779 ttl 64 DF options 40; echo 8/0 id 15542 seq 1, 8 bytes',
  ipv4LastFragment: 'ipv4 10.131.2.45 > 10.131.2.1 id 23421 ttl 64 at 1480; protocol 1, 8 bytes',
  icmpv4PortUnreachable:
    'ipv4 10.131.2.45 > 10.131.2.1 id 37719 ttl 64; error 3/3 rest 0 quotes 10.131.2.1 > 10.131.2.45, 11 bytes',
  udp4: 'ipv4 10.131.2.1 > 10.131.2.45 id 45501 ttl 64 DF; udp 55720 > 9, 3 bytes',
  tcpSyn: 'ipv4 10.131.2.1 > 10.131.2.45 id 33993 ttl 64 DF; tcp 53644 > 9 SYN seq 1538411255 window 64240 options 20',
  tcpReset: 'ipv4 10.131.2.45 > 10.131.2.1 id 0 ttl 64 DF; tcp 9 > 53644 RST,ACK seq 0 window 0 options 0',
  vxlan: 'ipv4 10.131.2.1 > 10.131.2.45 id 4002 ttl 64; udp 57206 > 4789, 53 bytes',
  icmpv6Echo: 'ipv6 fd00::1 > fd00::2d flow 878063 hops 64; echo 128/0 id 15540 seq 1, 16 bytes',
  icmpv6NeighborAdvertisement: 'ipv6 fd00::2d > fd00::1 flow 0 hops 255; other 136/0, 28 bytes',
  icmpv6ListenerReport: 'ipv6 :: > ff02::16 flow 0 hops 1 extensions 0; other 143/0, 44 bytes',
  ipv6LastFragment: 'ipv6 fd00::1 > fd00::2d flow 878063 hops 64 extensions 44; protocol 58, 40 bytes',
  icmpv6PortUnreachable:
    'ipv6 fd00::2d > fd00::1 flow 234236 hops 64; error 1/4 rest 0 quotes fd00::1 > fd00::2d, 11 bytes',
  udp6: 'ipv6 fd00::1 > fd00::2d flow 538860 hops 64; udp 60696 > 9, 3 bytes',
  sctpInit: 'ipv4 10.131.2.1 > 10.131.2.45 id 0 ttl 64; sctp 3868 > 3868',
  vlan: 'vlan 10 priority 5; ipv4 10.131.2.1 > 10.131.2.45 id 45501 ttl 64 DF; udp 55720 > 9, 3 bytes',
  stackedVlan:
    'vlan 20 priority 1 drop eligible; vlan 30 priority 0; ipv4 10.131.2.1 > 10.131.2.45 id 45501 ttl 64 DF; udp 55720 > 9, 3 bytes',
};

for (const [name, hex] of Object.entries(FRAMES) as [Name, string][]) {
  const bytes = fromHex(hex);

  describe(`frame ${name}`, () => {
    test('parseFrame() reads what tcpdump reads', () => assert.equal(reading(parseFrame(bytes)), READINGS[name]));

    test('buildFrame() gives the same bytes back', () => assert.equal(toHex(buildFrame(parseFrame(bytes))), hex));

    test('buildFrame() computes the same lengths, numbers and checksums', () => {
      assert.equal(toHex(buildFrame(withoutComputed(parseFrame(bytes)))), hex);
    });

    test('parseFrame() reads nothing of the bytes before and behind', () => {
      const guarded = new Uint8Array(bytes.length + 32).fill(0xa5);
      guarded.set(bytes, 16);
      assert.deepEqual(parseFrame(guarded.subarray(16, 16 + bytes.length)), parseFrame(bytes));
    });

    test('parseFrame() keeps padding apart, whatever follows', () => {
      const padded = parseFrame(Uint8Array.from([...bytes, 0xde, 0xad]));
      assert.equal(toHex(padded.padding), 'dead');
      assert.equal(reading(padded), READINGS[name]);
    });

    test('parseFrame() of a cut capture gives its headers or HEADER_MALFORMED, which names one within', () => {
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        const frame = orMalformed(cut);
        if (frame !== undefined) assert.deepEqual(buildFrame(frame), cut);
      }
    });
  });
}

describe('parseFrame()', () => {
  const INVALID = [
    { name: 'no byte', hex: '', says: 'Ethernet header at byte 0 ends after 0 bytes' },
    {
      name: 'half a VLAN tag',
      hex: `${FRAMES.vlan.slice(0, 24)}8100a0`,
      says: 'VLAN header at byte 14 ends after 1 bytes',
    },
    {
      name: 'ARP for another protocol',
      hex: FRAMES.arpRequest.replace('00010800', '000186dd'),
      says: 'ARP header at byte 14 is not for IPv4 over Ethernet',
    },
    {
      name: 'an IPv4 header of 16 bytes',
      hex: FRAMES.udp4.replace('08004500', '08004400'),
      says: 'IPv4 header at byte 14 starts with version and length 0x44',
    },
    {
      name: 'an IPv4 packet shorter than its header',
      hex: FRAMES.udp4.replace('4500001f', '45000013'),
      says: 'IPv4 header at byte 14 claims 19 bytes in all',
    },
    {
      name: 'IPv6 of version 5',
      hex: FRAMES.udp6.replace('86dd6', '86dd5'),
      says: 'IPv6 header at byte 14 claims version 5',
    },
    {
      name: 'UDP shorter than its header',
      hex: FRAMES.udp4.replace('0009000b', '00090007'),
      says: 'UDP header at byte 34 claims 7 bytes in all',
    },
    {
      name: 'TCP that IP cuts',
      hex: FRAMES.tcpSyn.replace('4500003c', '45000023'),
      says: 'TCP header at byte 34 ends after 15 bytes',
    },
    {
      name: 'TCP of 16 bytes',
      hex: FRAMES.tcpReset.replace('5014', '4014'),
      says: 'TCP header at byte 34 claims 16 bytes',
    },
    {
      name: 'an extension header that goes beyond the packet',
      hex: FRAMES.icmpv6ListenerReport.replace('3a0005', '3aff05'),
      says: 'IPv6 extension header at byte 54 ends after 56 bytes',
    },
  ];
  for (const { name, hex, says } of INVALID) {
    test(`refuses ${name}`, () => {
      assert.throws(() => parseFrame(fromHex(hex)), { code: 'HEADER_MALFORMED', message: says });
    });
  }

  test('takes any bytes apart so that buildFrame() gives them back, or refuses them with HEADER_MALFORMED', () => {
    const starts = Object.values(FRAMES).map((hex) => fromHex(hex));
    const mutated = fc
      .tuple(fc.constantFrom(...starts), fc.array(fc.tuple(fc.nat(199), fc.nat(255)), { maxLength: 8 }), fc.nat(200))
      .map(([start, changes, length]) => {
        const bytes = start.slice(0, Math.max(14, start.length - Math.max(0, length - 150)));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: mutated }, fc.uint8Array({ maxLength: 120 })), (bytes) => {
        const frame = orMalformed(bytes);
        if (frame !== undefined) assert.equal(toHex(buildFrame(frame)), toHex(bytes));
      }),
      { numRuns: 1250 },
    );
  });
});

describe('buildFrame()', () => {
  const ethernet = { destination: Mac.of(1n), source: Mac.of(2n) };
  const ends = { source: Ip.parse('10.0.0.1'), destination: Ip.parse('10.0.0.2') };

  test('refuses raw layers whose number nobody gave', () => {
    const payload = new Uint8Array(4);
    assert.throws(() => buildFrame({ ethernet, network: { kind: 'raw', payload } }), RangeError);
    assert.throws(
      () => buildFrame({ ethernet, network: { kind: 'ipv4', header: ends, transport: { kind: 'raw', payload } } }),
      RangeError,
    );
  });

  test('refuses values that do not fit', () => {
    const transport = { kind: 'udp', header: { sourcePort: 65_536, destinationPort: 1 } } as const;
    const arp = {
      operation: 1,
      senderMac: Mac.of(1n),
      targetMac: Mac.of(0n),
      senderIp: Ip.parse('::1'),
      targetIp: Ip.parse('::2'),
    };
    const bad: NetworkSpec[] = [
      { kind: 'ipv4', header: ends, transport },
      {
        kind: 'ipv4',
        header: { ...ends, dscp: 64 },
        transport: { kind: 'udp', header: { sourcePort: 1, destinationPort: 1 } },
      },
      {
        kind: 'ipv4',
        header: { ...ends, options: new Uint8Array(3) },
        transport: { kind: 'udp', header: { sourcePort: 1, destinationPort: 1 } },
      },
      { kind: 'ipv6', header: ends, transport: { kind: 'udp', header: { sourcePort: 1, destinationPort: 1 } } },
      { kind: 'arp', packet: arp },
    ];
    for (const network of bad) assert.throws(() => buildFrame({ ethernet, network }), RangeError);
  });

  test('writes what a test forges as it is', () => {
    const transport = { kind: 'udp', header: { sourcePort: 1, destinationPort: 2, length: 999, checksum: 0 } } as const;
    const header = { ...ends, totalLength: 0xffff, checksum: 0xbeef, protocol: 99 };
    const hex = toHex(buildFrame({ ethernet, network: { kind: 'ipv4', header, transport } }));
    assert.equal(hex.slice(28), '4500ffff000000004063beef0a0000010a0000020001000203e70000');
  });

  test('sends a UDP checksum of 0 as 0xffff', () => {
    // The pseudo-header and ports of this datagram add up to all but `missing`, which its payload makes good.
    const build = (payload: Uint8Array) =>
      parseFrame(
        buildFrame({
          ethernet,
          network: {
            kind: 'ipv4',
            header: ends,
            transport: { kind: 'udp', header: { sourcePort: 1, destinationPort: 2 }, payload },
          },
        }),
      );
    const checksumOf = ({ network }: Frame) =>
      network.kind === 'ipv4' && network.transport.kind === 'udp' ? network.transport.header.checksum : undefined;
    const missing = checksumOf(build(new Uint8Array(2))) ?? 0;
    assert.equal(checksumOf(build(Uint8Array.of(missing >> 8, missing & 0xff))), 0xffff);
  });
});

test('parseVxlan() finds the VNI, and the inner frame behind it', () => {
  const { network } = parseFrame(fromHex(FRAMES.vxlan));
  assert.ok(network.kind === 'ipv4' && network.transport.kind === 'udp');
  const reader = new ByteReader(network.transport.payload);
  assert.deepEqual(parseVxlan(reader), { flags: 8, reserved: 0, vni: 9_000_001, reservedByte: 0 });
  assert.equal(
    reading(parseFrame(reader.rest())),
    'ipv4 10.8.0.1 > 10.8.0.2 id 7614 ttl 64 DF; udp 41142 > 9, 3 bytes',
  );
});

test('parseSctpInit() reads the INIT chunk, and writeSctpInit() gives its bytes back', () => {
  const { network } = parseFrame(fromHex(FRAMES.sctpInit));
  assert.ok(network.kind === 'ipv4' && network.transport.kind === 'sctp');
  const { chunks } = network.transport;
  const init = parseSctpInit(new ByteReader(chunks));
  assert.deepEqual(init, {
    initiateTag: 0x0102_0304,
    advertisedWindow: 106_496,
    outboundStreams: 10,
    inboundStreams: 65_535,
    initialTsn: 0x0a0b_0c0d,
    parameters: fromHex('000c000600050000'),
  });
  const writer = new ByteWriter();
  writeSctpInit(writer, init);
  assert.deepEqual(writer.toBytes(), chunks);
  assert.throws(() => parseSctpInit(new ByteReader(fromHex(`02${toHex(chunks).slice(2)}`))), {
    code: 'HEADER_MALFORMED',
  });
});

test('parseVxlan() refuses a header without the I flag, and writeVxlan() writes what parseVxlan() reads', () => {
  assert.throws(() => parseVxlan(new ByteReader(new Uint8Array(8))), { code: 'HEADER_MALFORMED' });
  const writer = new ByteWriter();
  writeVxlan(writer, { vni: 9_000_001 });
  assert.equal(toHex(writer.toBytes()), '0800000089544100');
  assert.throws(() => writeVxlan(new ByteWriter(), { vni: 2 ** 24 }), RangeError);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
      bytes[0] = (bytes[0] ?? 0) | 8;
      const again = new ByteWriter();
      writeVxlan(again, parseVxlan(new ByteReader(bytes)));
      assert.deepEqual(again.toBytes(), bytes);
    }),
  );
});

function orMalformed(bytes: Uint8Array): Frame | undefined {
  try {
    return parseFrame(bytes);
  } catch (error) {
    if (!isTenetError(error, 'HEADER_MALFORMED')) throw error;
    assert.ok(Number(error.facts.offset) <= bytes.length);
    return undefined;
  }
}

function reading({ vlans, network }: Frame): string {
  const tags = vlans.map(
    (tag) => `vlan ${tag.vid} priority ${tag.priority}${tag.dropEligible ? ' drop eligible' : ''}; `,
  );
  return tags.join('') + networkReading(network);
}

function networkReading(network: Frame['network']): string {
  switch (network.kind) {
    case 'arp': {
      const { operation, senderIp, senderMac, targetIp, targetMac } = network.packet;
      return `arp op ${operation} ${senderIp} (${senderMac}) -> ${targetIp} (${targetMac})`;
    }
    case 'ipv4': {
      const { header, transport } = network;
      const flags = `${header.dontFragment ? ' DF' : ''}${header.moreFragments ? ' MF' : ''}`;
      const at = header.fragmentOffsetBytes > 0 ? ` at ${header.fragmentOffsetBytes}` : '';
      const options = header.options.length > 0 ? ` options ${header.options.length}` : '';
      return `ipv4 ${header.source} > ${header.destination} id ${header.identification} ttl ${header.ttl}${flags}${at}${options}; ${transportReading(transport, header.protocol)}`;
    }
    case 'ipv6': {
      const { header, transport } = network;
      const types = header.extensions.length > 0 ? ` extensions ${header.extensions.map(({ type }) => type)}` : '';
      return `ipv6 ${header.source} > ${header.destination} flow ${header.flowLabel} hops ${header.hopLimit}${types}; ${transportReading(transport, header.protocol)}`;
    }
    case 'raw':
      return `raw, ${network.payload.length} bytes`;
  }
}

function transportReading(
  transport: Extract<Frame['network'], { kind: 'ipv4' }>['transport'],
  protocol: number,
): string {
  switch (transport.kind) {
    case 'udp':
      return `udp ${transport.header.sourcePort} > ${transport.header.destinationPort}, ${transport.payload.length} bytes`;
    case 'tcp': {
      const { sourcePort, destinationPort, flags, sequence, window, options } = transport.header;
      return `tcp ${sourcePort} > ${destinationPort} ${flags} seq ${sequence} window ${window} options ${options.length}`;
    }
    case 'sctp':
      return `sctp ${transport.header.sourcePort} > ${transport.header.destinationPort}`;
    case 'raw':
      return `protocol ${protocol}, ${transport.payload.length} bytes`;
    case 'icmpv4':
    case 'icmpv6': {
      const { message } = transport;
      const start = `${message.kind} ${message.type}/${message.code}`;
      if (message.kind === 'echo')
        return `${start} id ${message.identifier} seq ${message.sequence}, ${message.data.length} bytes`;
      if (message.kind === 'other') return `${start}, ${message.body.length} bytes`;
      const { header, payload } = message.quoted;
      return `${start} rest ${message.restOfHeader} quotes ${header.source} > ${header.destination}, ${payload.length} bytes`;
    }
  }
}

/** The same frame without anything that buildFrame() computes. */
function withoutComputed({ ethernet, vlans, network, padding }: Frame): FrameSpec {
  const { destination, source } = ethernet;
  return {
    ethernet: vlans.length > 1 ? ethernet : { destination, source },
    vlans: vlans.map(({ vid, priority, dropEligible }) => ({ vid, priority, dropEligible })),
    network: networkWithoutComputed(network),
    padding,
  };
}

function networkWithoutComputed(network: Frame['network']): NetworkSpec {
  if (network.kind === 'arp' || network.kind === 'raw') return network;
  const transport = transportWithoutComputed(network.transport);
  const { protocol } = network.header;
  if (network.kind === 'ipv4') {
    const { totalLength: _, checksum: __, protocol: ___, ...header } = network.header;
    return { kind: 'ipv4', header: transport.kind === 'raw' ? { ...header, protocol } : header, transport };
  }
  const { payloadLength: _, protocol: __, ...header } = network.header;
  return { kind: 'ipv6', header: transport.kind === 'raw' ? { ...header, protocol } : header, transport };
}

function transportWithoutComputed(transport: Extract<Frame['network'], { kind: 'ipv4' }>['transport']): TransportSpec {
  switch (transport.kind) {
    case 'udp': {
      const { sourcePort, destinationPort } = transport.header;
      return { ...transport, header: { sourcePort, destinationPort } };
    }
    case 'tcp': {
      const { checksum: _, ...header } = transport.header;
      return { ...transport, header };
    }
    case 'icmpv4': {
      const { checksum: _, ...message } = transport.message;
      return { kind: 'icmpv4', message };
    }
    case 'icmpv6': {
      const { checksum: _, ...message } = transport.message;
      return { kind: 'icmpv6', message };
    }
    case 'sctp': {
      const { checksum: _, ...header } = transport.header;
      return { ...transport, header };
    }
    case 'raw':
      return transport;
  }
}
