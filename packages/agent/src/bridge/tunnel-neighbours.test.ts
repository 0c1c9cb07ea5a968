import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTunnelNeighbours } from './tunnel-neighbours.ts';

/** As ovs-vswitchd 3.1.0 prints it. */
const SHOWN = `IP                                            MAC                 Bridge
==========================================================================
10.0.0.2                                      aa:bb:cc:00:11:22   eth0
fe80::1                                       aa:bb:cc:00:11:23   eth1
`;

test('parseTunnelNeighbours() reads the entries and passes over the heading', () => {
  assert.deepEqual(
    [...parseTunnelNeighbours(SHOWN)],
    [
      ['eth0 10.0.0.2', 'aa:bb:cc:00:11:22'],
      ['eth1 fe80::1', 'aa:bb:cc:00:11:23'],
    ],
  );
  assert.equal(parseTunnelNeighbours(SHOWN.split('\n').slice(0, 2).join('\n')).size, 0);
});
