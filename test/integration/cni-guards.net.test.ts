/** What keeps the kernel's own stack off the host's end of a pod's link: each part of it is looked at, and missed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inNamespace, readSysctl, SINK, type Synchronous, setTxChecksum, writeSysctl } from '@tenet/host';
import { guardHostEnd, missingGuard } from '../../packages/agent/src/cni/pod-link.ts';
import { type NodeAndPod, nodeAndPod } from './node-and-pod.ts';

const LINK = 'veth5';
const NETDEV = { datapath: 'netdev' } as const;

let ends: NodeAndPod;
before(() => {
  ends = nodeAndPod('guards');
});
after(() => ends?.[Symbol.dispose]());

const within = <T>(body: () => Synchronous<T>) => inNamespace(ends.node.path, body);
const guard = () => within(() => guardHostEnd(ends.node.netlink, NETDEV, LINK));
const missing = (datapath: 'netdev' | 'system' = 'netdev') =>
  within(() => missingGuard(ends.node.netlink, { datapath }, LINK));

describe('missingGuard()', () => {
  test("asks only for IPv6 to be off on the kernel's datapath, which takes the frames itself", () => {
    assert.equal(missing('system'), `net.ipv6.conf.${LINK}.disable_ipv6 is 0 instead of 1`);
    assert.equal(missing('netdev'), `${LINK} is not in ${SINK}`);
  });

  const SPOILT: readonly { readonly says: string; readonly spoil: () => void }[] = [
    { says: `${LINK} is not in ${SINK}`, spoil: () => ends.node.netlink.setGroupForwardMask(LINK, 0) },
    { says: `${SINK} is up`, spoil: () => ends.node.netlink.changeLink(SINK, { up: true }) },
    { says: `${LINK} leaves checksums to be filled in`, spoil: () => setTxChecksum(LINK, true) },
    {
      says: `net.ipv6.conf.${LINK}.disable_ipv6 is 0 instead of 1`,
      spoil: () => writeSysctl(`net.ipv6.conf.${LINK}.disable_ipv6`, '0'),
    },
    {
      says: `net.ipv4.conf.${LINK}.rp_filter is 0 instead of 1`,
      spoil: () => writeSysctl(`net.ipv4.conf.${LINK}.rp_filter`, '0'),
    },
  ];
  for (const { says, spoil } of SPOILT) {
    test(`says that ${says}, until guardHostEnd() was there`, () => {
      guard();
      assert.equal(missing(), undefined);
      within(spoil);
      assert.equal(missing(), says);
      guard();
      assert.equal(missing(), undefined);
      assert.equal(
        within(() => readSysctl(`net.ipv4.conf.${LINK}.rp_filter`)),
        '1',
      );
    });
  }
});
