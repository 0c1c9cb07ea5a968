import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConntrackEntry, ConntrackFilter } from '@tenet/host';
import type { ProxiedPort } from '@tenet/proxy';
import { Ip, Prefix, SILENT } from '@tenet/std';
import fc from 'fast-check';
import { StaleConntrack } from './stale-conntrack.ts';

const ip = Ip.parse;
const NODE = '192.168.50.1';
const [FIRST, SECOND, THIRD] = ['10.131.2.5:5353', '10.130.0.6:5353', '10.130.0.7:5353'];

interface PortWords {
  readonly protocol?: ProxiedPort['protocol'];
  readonly clusterIp?: string;
  readonly port?: number;
  readonly nodePort?: number;
  readonly externalIps?: readonly string[];
  readonly loadBalancerIps?: readonly string[];
  readonly to?: readonly string[];
  readonly local?: readonly string[];
  readonly portal?: string;
}

function socket(text: string) {
  const [address = '', port] = text.split(':');
  return { ip: ip(address), port: Number(port) };
}

function proxied(words: PortWords): ProxiedPort {
  const { protocol = 'udp', clusterIp = '172.30.0.10', port = 53, nodePort, portal, to = [], local = [] } = words;
  return {
    namespace: 'alpha',
    service: 'dns',
    portName: '',
    protocol,
    clusterIp: ip(clusterIp),
    port,
    ...(nodePort === undefined ? {} : { nodePort }),
    externalIps: (words.externalIps ?? []).map(ip),
    loadBalancerIps: (words.loadBalancerIps ?? []).map(ip),
    sourceRanges: [],
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    clusterEndpoints: to.map(socket),
    localEndpoints: local.map(socket),
    hasEndpointsSomewhere: to.length > 0,
    ...(portal === undefined ? {} : { portal: socket(portal) }),
  };
}

/** A tracked connection in words: `udp 172.30.0.10:53 10.131.2.5:5353` is from where it was sent to where it is answered. */
function entry(text: string, zone = 0): ConntrackEntry {
  const [protocol, sentTo = '', answeredBy = ''] = text.split(' ');
  const number = { tcp: 6, udp: 17, sctp: 132 }[protocol ?? ''] ?? 0;
  const client = { ip: ip('10.131.2.9'), port: 40_000 };
  const [target, answerer] = [socket(sentTo), socket(answeredBy)];
  return {
    original: {
      source: client.ip,
      sourcePort: client.port,
      destination: target.ip,
      destinationPort: target.port,
      protocol: number,
    },
    reply: {
      source: answerer.ip,
      sourcePort: answerer.port,
      destination: client.ip,
      destinationPort: client.port,
      protocol: number,
    },
    zone,
  };
}

/** A kernel's table; it counts what it was asked. */
class Table {
  entries: readonly { readonly text: string; readonly entry: ConntrackEntry }[];
  readonly questions: ConntrackFilter[] = [];
  failing = false;

  constructor(...texts: readonly string[]) {
    this.entries = texts.map((text) => ({ text, entry: entry(text) }));
  }

  get left(): readonly string[] {
    return this.entries.map(({ text }) => text);
  }

  readonly deleteIf = (filter: ConntrackFilter, isStale: (entry: ConntrackEntry) => boolean): number => {
    if (this.failing) throw new Error('refused');
    this.questions.push(filter);
    const before = this.entries.length;
    this.entries = this.entries.filter(({ entry: { original, reply, ...rest } }) => {
      const passes =
        (filter.protocol === undefined || filter.protocol === original.protocol) &&
        (filter.originalDestinationPort === undefined || filter.originalDestinationPort === original.destinationPort) &&
        (filter.originalDestination === undefined || filter.originalDestination.equals(original.destination)) &&
        (filter.replySource === undefined || filter.replySource.equals(reply.source));
      return !(passes && isStale({ original, reply, ...rest }));
    });
    return before - this.entries.length;
  };
}

function staleConntrack(table: Table): StaleConntrack {
  return new StaleConntrack({
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    localAddresses: () => [ip(NODE), ip('127.0.0.1')],
    log: SILENT,
    deleteIf: table.deleteIf,
  });
}

const ports = (...list: readonly PortWords[]) => new Map(list.map((words, at) => [`alpha/dns:${at}`, proxied(words)]));

interface Change {
  readonly name: string;
  readonly before: readonly PortWords[];
  readonly now: readonly PortWords[];
  readonly entries: readonly string[];
  readonly left: readonly string[];
}

/** What is there after one look at `before` and one at `now`; the entries come in between. */
function afterChange({ before, now, entries }: Pick<Change, 'before' | 'now' | 'entries'>): Table {
  const empty = new Table();
  const table = new Table(...entries);
  let current = empty;
  const stale = new StaleConntrack({
    serviceNetwork: Prefix.parse('172.30.0.0/16'),
    localAddresses: () => [ip(NODE)],
    log: SILENT,
    deleteIf: (filter, isStale) => current.deleteIf(filter, isStale),
  });
  stale.end(ports(...before));
  current = table;
  stale.end(ports(...now));
  return table;
}

const TO_FIRST = `udp 172.30.0.10:53 ${FIRST}`;
const TO_SECOND = `udp 172.30.0.10:53 ${SECOND}`;
const PAST = 'udp 172.30.0.10:53 172.30.0.10:53';

describe('StaleConntrack', () => {
  // biome-ignore format: a change a block
  const ASKS_NOTHING: readonly { readonly name: string; readonly before: readonly PortWords[]; readonly now: readonly PortWords[] }[] = [
    { name: 'an endpoint was added to one', before: [{ to: [FIRST] }], now: [{ to: [FIRST, SECOND] }] },
    { name: 'a port of TCP lost all endpoints', before: [{ protocol: 'tcp', to: [FIRST] }], now: [{ protocol: 'tcp' }] },
    { name: 'a service without endpoints came and went', before: [], now: [] },
    { name: 'one without endpoints stays so', before: [{}], now: [{ port: 53 }] },
  ];
  for (const { name, before, now } of ASKS_NOTHING) {
    test(`end() asks the kernel nothing when ${name}`, () => {
      assert.deepEqual(afterChange({ before, now, entries: [TO_FIRST, PAST] }).questions, []);
    });
  }

  // biome-ignore format: a change a block
  const CHANGES: readonly Change[] = [
    { name: 'an endpoint went', before: [{ to: [FIRST, SECOND] }], now: [{ to: [SECOND] }],
      entries: [TO_FIRST, TO_SECOND, `tcp 172.30.0.10:53 ${FIRST}`, `udp 172.30.0.11:53 ${FIRST}`, `udp ${FIRST} ${FIRST}`],
      left: [TO_SECOND, `tcp 172.30.0.10:53 ${FIRST}`, `udp 172.30.0.11:53 ${FIRST}`, `udp ${FIRST} ${FIRST}`] },
    { name: 'an endpoint has another port', before: [{ to: [FIRST] }], now: [{ to: ['10.131.2.5:5354'] }],
      entries: [TO_FIRST, 'udp 172.30.0.10:53 10.131.2.5:5354'], left: ['udp 172.30.0.10:53 10.131.2.5:5354'] },
    { name: 'the last endpoint went', before: [{ to: [FIRST] }], now: [{}], entries: [TO_FIRST], left: [] },
    { name: 'the first endpoint came', before: [{}], now: [{ to: [FIRST] }], entries: [PAST, TO_FIRST], left: [TO_FIRST] },
    { name: 'a service came with endpoints', before: [], now: [{ to: [FIRST] }], entries: [PAST, TO_FIRST], left: [TO_FIRST] },
    { name: 'a service went', before: [{ to: [FIRST], externalIps: ['203.0.113.9'] }], now: [],
      entries: [TO_FIRST, `udp 203.0.113.9:53 ${FIRST}`, 'udp 203.0.113.9:53 203.0.113.9:53'], left: ['udp 203.0.113.9:53 203.0.113.9:53'] },
    { name: 'an endpoint of this node went that only policy Local chose', before: [{ to: [SECOND], local: [FIRST] }], now: [{ to: [SECOND] }],
      entries: [TO_FIRST, TO_SECOND], left: [TO_SECOND] },
    { name: 'the portal of a service that slept is closed', before: [{ portal: '10.131.2.1:40123' }], now: [{ to: [FIRST] }],
      entries: ['udp 172.30.0.10:53 10.131.2.1:40123', TO_FIRST], left: [TO_FIRST] },
    { name: 'a service falls asleep', before: [{ to: [FIRST] }], now: [{ portal: '10.131.2.1:40123' }],
      entries: ['udp 172.30.0.10:53 10.131.2.1:40123', TO_FIRST], left: ['udp 172.30.0.10:53 10.131.2.1:40123'] },
    { name: 'the first endpoint came, for addresses of every kind', before: [{ nodePort: 30053, externalIps: ['203.0.113.9'], loadBalancerIps: ['203.0.113.8'] }],
      now: [{ nodePort: 30053, externalIps: ['203.0.113.9'], loadBalancerIps: ['203.0.113.8'], to: [FIRST] }],
      entries: [`udp ${NODE}:30053 ${NODE}:30053`, 'udp 203.0.113.9:53 203.0.113.9:53', 'udp 203.0.113.8:53 203.0.113.8:53', `udp ${NODE}:30053 ${FIRST}`, 'udp 198.51.100.1:30053 198.51.100.1:30053', `udp ${NODE}:30054 ${NODE}:30054`],
      left: [`udp ${NODE}:30053 ${FIRST}`, 'udp 198.51.100.1:30053 198.51.100.1:30053', `udp ${NODE}:30054 ${NODE}:30054`] },
    { name: 'an external IP came to a service that had endpoints', before: [{ to: [FIRST] }], now: [{ to: [FIRST], externalIps: ['203.0.113.9'] }],
      entries: ['udp 203.0.113.9:53 203.0.113.9:53', TO_FIRST], left: [TO_FIRST] },
    { name: 'an address went from one service to another', before: [{ to: [FIRST], externalIps: ['203.0.113.9'] }, { clusterIp: '172.30.0.11', to: [SECOND] }],
      now: [{ to: [FIRST] }, { clusterIp: '172.30.0.11', to: [SECOND], externalIps: ['203.0.113.9'] }],
      entries: [`udp 203.0.113.9:53 ${FIRST}`, `udp 203.0.113.9:53 ${SECOND}`, TO_FIRST], left: [`udp 203.0.113.9:53 ${SECOND}`, TO_FIRST] },
    { name: 'a port went over from SCTP to UDP', before: [{ protocol: 'sctp', to: [FIRST] }], now: [{ to: [FIRST] }],
      entries: [`sctp 172.30.0.10:53 ${FIRST}`, PAST, TO_FIRST], left: [TO_FIRST] },
    { name: 'an endpoint over SCTP went', before: [{ protocol: 'sctp', to: [FIRST, SECOND] }], now: [{ protocol: 'sctp', to: [SECOND] }],
      entries: [`sctp 172.30.0.10:53 ${FIRST}`, `sctp 172.30.0.10:53 ${SECOND}`, TO_FIRST], left: [`sctp 172.30.0.10:53 ${SECOND}`, TO_FIRST] },
  ];
  for (const { name, left, ...change } of CHANGES) {
    test(`end() ends what leads astray when ${name}, and nothing else`, () => {
      assert.deepEqual(afterChange(change).left, left);
    });
  }

  test('end() asks for one walk when one endpoint went, however many addresses lead there', () => {
    const addresses = { nodePort: 30053, externalIps: ['203.0.113.9'], loadBalancerIps: ['203.0.113.8'] };
    const { questions } = afterChange({
      before: [{ ...addresses, to: [FIRST, SECOND] }],
      now: [{ ...addresses, to: [SECOND] }],
      entries: [],
    });
    assert.deepEqual(questions, [{ family: 4, protocol: 17, replySource: ip('10.131.2.5') }]);
  });

  test('end() reads all of a protocol once when very many services changed', () => {
    const many = (to: readonly string[]) =>
      Array.from({ length: 300 }, (_, at) => ({ clusterIp: `172.30.1.${at % 256}`, port: 53 + at, to }));
    const table = afterChange({
      before: many([]),
      now: many([FIRST]),
      entries: ['udp 172.30.1.7:60 172.30.1.7:60', `udp 172.30.1.8:61 ${FIRST}`],
    });
    assert.deepEqual(table.questions, [
      { family: 4, protocol: 17 },
      { family: 4, protocol: 132 },
    ]);
    assert.deepEqual(table.left, [`udp 172.30.1.8:61 ${FIRST}`]);
  });

  test('end() looks at everything at first: what a daemon of before has left, also of services that are gone', () => {
    const table = new Table(
      TO_FIRST,
      TO_SECOND,
      PAST,
      `udp 172.30.9.9:53 ${THIRD}`,
      'udp 172.30.9.9:53 172.30.9.9:53',
      'udp 198.51.100.1:53 198.51.100.1:53',
    );
    assert.equal(staleConntrack(table).end(ports({ to: [SECOND] })), 3);
    assert.deepEqual(table.left, [TO_SECOND, 'udp 172.30.9.9:53 172.30.9.9:53', 'udp 198.51.100.1:53 198.51.100.1:53']);
  });

  test('end() looks at nothing when the ports are the very same', () => {
    const table = new Table();
    const stale = staleConntrack(table);
    const now = ports({ to: [FIRST] });
    stale.end(now);
    const asked = table.questions.length;
    let reads = 0;
    now[Symbol.iterator] = () => {
      reads++;
      return new Map<string, ProxiedPort>().entries();
    };
    assert.equal(stale.end(now), 0);
    assert.deepEqual([table.questions.length, reads], [asked, 0]);
  });

  test('end() leaves the zone of the switch alone', () => {
    const table = new Table();
    table.entries = [{ text: 'in the zone', entry: entry(TO_FIRST, 25) }];
    staleConntrack(table).end(ports({ to: [SECOND] }));
    assert.deepEqual(table.left, ['in the zone']);
  });

  test('end() looks again at what it could not end', () => {
    const table = new Table();
    const stale = staleConntrack(table);
    stale.end(ports({ to: [FIRST] }));
    const after = new Table(TO_FIRST);
    table.entries = after.entries;
    table.failing = true;
    assert.throws(() => stale.end(ports({ to: [SECOND] })), /refused/);
    table.failing = false;
    assert.equal(stale.end(ports({ to: [SECOND] })), 1);
    assert.deepEqual(table.left, []);
  });

  test('after any change nothing is left that is answered from where the port no longer sends', () => {
    const endpoint = fc.constantFrom(FIRST, SECOND, THIRD);
    const words = fc.record({
      to: fc.uniqueArray(endpoint, { maxLength: 3 }),
      externalIps: fc.uniqueArray(fc.constantFrom<string>('203.0.113.8', '203.0.113.9'), { maxLength: 2 }),
    });
    const address = fc.constantFrom('172.30.0.10', '203.0.113.8', '203.0.113.9');
    fc.assert(
      fc.property(words, words, fc.array(fc.tuple(address, endpoint), { maxLength: 8 }), (before, now, sent) => {
        // What was there before followed the rules of before.
        const possible = sent.filter(
          ([to, by]) => before.to.includes(by) && (to.startsWith('172') || before.externalIps.includes(to)),
        );
        const entries = [...new Set(possible.map(([to, by]) => `udp ${to}:53 ${by}`))];
        const { left } = afterChange({ before: [before], now: [now], entries });
        const right = entries.filter((text) => {
          const [, sentTo = '', by = ''] = text.split(' ');
          const isOurs = sentTo.startsWith('172') || now.externalIps.includes(sentTo.replace(':53', ''));
          return isOurs && now.to.includes(by);
        });
        assert.deepEqual(left, right);
      }),
    );
  });
});
