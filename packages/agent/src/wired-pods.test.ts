import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Vnid, vnidOf } from '@tenet/model';
import { Ip, Prefix } from '@tenet/std';
import { wantedOfPort } from './of-port.ts';
import { podPorts, type WiredPod } from './wired-pods.ts';

function wired(ip: string, ofPort: number | undefined, namespace = 'alpha'): WiredPod {
  return {
    attachment: { containerId: `c-${ip}-${ofPort}`, ifName: 'eth0' },
    pod: { namespace, name: 'web', uid: 'u' },
    hostVeth: 'veth0',
    netns: '/run/netns/x',
    ip: Ip.parse(ip),
    ...(ofPort === undefined ? {} : { ofPort }),
  };
}

const VNIDS = new Map<string, Vnid>([['alpha', vnidOf(0x5a2)]]);
const vnid = (namespace: string) => VNIDS.get(namespace);

describe('podPorts()', () => {
  const WITHOUT = [
    { name: 'a pod whose port is not there yet', pods: [wired('10.131.2.4', undefined)] },
    { name: 'a pod whose project has no VNID', pods: [wired('10.131.2.4', 4, 'nobody')] },
    { name: 'two pods that claim one address', pods: [wired('10.131.2.4', 4), wired('10.131.2.4', 5)] },
  ];
  for (const { name, pods } of WITHOUT) {
    test(`gives no flows to ${name}`, () => assert.deepEqual(podPorts(pods, vnid), []));
  }

  test("gives a pod the MAC of its address and its project's VNID", () => {
    const [port] = podPorts([wired('10.131.2.45', 45)], vnid);
    assert.equal(port?.mac.toString(), '0a:58:0a:83:02:2d');
    assert.equal(port?.vnid, 0x5a2);
  });
});

describe('wantedOfPort()', () => {
  const subnet = Prefix.parse('10.131.2.0/23');
  const CASES = [
    { ip: '10.131.2.45', taken: [], is: 45 },
    { ip: '10.131.3.45', taken: [], is: 301 },
    { ip: '10.131.2.2', taken: [], is: 65_279 },
    { ip: '10.131.2.45', taken: [45], is: 65_279 },
    { ip: '10.131.2.45', taken: [45, 65_279], is: 65_278 },
  ];
  for (const { ip, taken, is } of CASES) {
    test(`is ${is} for ${ip} when ${taken.join(', ') || 'nothing'} is taken`, () => {
      assert.equal(
        wantedOfPort(subnet, Ip.parse(ip), (port) => taken.includes(port)),
        is,
      );
    });
  }

  test('is free for an address whose host part is larger than a port can be', () => {
    assert.equal(
      wantedOfPort(Prefix.parse('10.128.0.0/14'), Ip.parse('10.130.0.5'), () => false),
      65_279,
    );
  });
});
