/** Connections of one pod that the userspace datapath tracks, ended without OpenFlow, as before Open vSwitch 3.1. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { SERVICE_ZONE } from '@tenet/pipeline';
import { buildFrame, errorKinds, Ip, kind, Mac, toHex } from '@tenet/std';
import { ServiceConntrack } from '../../packages/agent/src/bridge/service-conntrack.ts';
import { type PrivateOvs, privateOvs } from './private-ovs.ts';

const POD = Ip.parse('10.131.2.4');
const OTHER = Ip.parse('10.131.2.5');
const SERVICE = Ip.parse('10.131.2.99');
const ECHO_REQUEST = 8;

let ovs: PrivateOvs;

before(async () => {
  ovs = await privateOvs({ bridges: ['br0'] });
});
after(() => ovs?.[Symbol.asyncDispose]());

const { error: refusal } = errorKinds({
  OPENFLOW_REFUSED: kind<{ what: string }>({ says: ({ what }) => `refused the ${what}`, remedy: () => 'upgrade' }),
});

test('ServiceConntrack.flush() ends the connections of one pod one by one when the switch refuses to, and no others', async () => {
  for (const [source, destination] of [
    [POD, SERVICE],
    [SERVICE, POD],
    [OTHER, SERVICE],
  ] as const) {
    for (let port = 0; port < 20; port++) await track(SERVICE_ZONE, source, destination, port);
  }
  // Of a zone that is not ours to flush.
  await track(SERVICE_ZONE + 1, POD, SERVICE, 1);
  const conntrack = new ServiceConntrack('netdev', {
    flush: () => Promise.reject(refusal('OPENFLOW_REFUSED', { what: 'ct_flush' })),
    control: async () => ovs.ctlSocket,
  });
  const before = await tracked();
  assert.deepEqual([before.filter(of(POD)).length, before.filter(of(OTHER)).length], [41, 20]);
  await conntrack.flush(POD);
  const left = await tracked();
  assert.deepEqual(
    left.filter(of(POD)).map((line) => line.includes(`zone=${SERVICE_ZONE + 1}`)),
    [true],
  );
  assert.equal(left.filter(of(OTHER)).length, 20);
});

/** Has the switch commit a connection: of each three, one over TCP, one over UDP and one ping. */
async function track(zone: number, source: Ip, destination: Ip, port: number): Promise<void> {
  const ports = { sourcePort: 5000 + port, destinationPort: 53 };
  const transports = [
    { kind: 'tcp', header: { ...ports, flags: ['SYN'] } },
    { kind: 'udp', header: ports },
    {
      kind: 'icmpv4',
      message: { kind: 'echo', type: ECHO_REQUEST, code: 0, identifier: port, sequence: 1, data: new Uint8Array() },
    },
  ] as const;
  const transport = transports[port % transports.length];
  assert.ok(transport);
  const frame = buildFrame({
    ethernet: { source: Mac.parse('0a:58:00:00:00:01'), destination: Mac.parse('0a:58:00:00:00:02') },
    network: { kind: 'ipv4', header: { source, destination, ttl: 64 }, transport },
  });
  const packetOut = `in_port=LOCAL,packet=${toHex(frame)},actions=ct(commit,zone=${zone})`;
  await promisify(execFile)('ovs-ofctl', ['-OOpenFlow14', 'packet-out', ovs.mgmt('br0'), packetOut]);
}

async function tracked(): Promise<string[]> {
  return (await ovs.appctl('dpctl/dump-conntrack')).split('\n').filter(Boolean);
}

function of(ip: Ip): (line: string) => boolean {
  return (line) => line.includes(`src=${ip},`);
}
