import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vnidOf } from '@tenet/model';
import { type Flow, flowKey } from '@tenet/openflow';
import { ARTICLE_NODE, podFlows } from '@tenet/pipeline';
import { Ip, Mac } from '@tenet/std';
import { missingFlows } from './missing-flows.ts';

const ip = Ip.parse('10.131.2.45');
const POD = { ip, mac: Mac.fromIpv4(ip), ofPort: 45, vnid: vnidOf(0x5a2) };
const { node } = ARTICLE_NODE;
const FLOWS = podFlows(node, POD);

const installed = (flows: readonly Flow[]) => new Map(flows.map((flow) => [flowKey(flow), flow]));

describe('missingFlows()', () => {
  const SWITCHES = [
    { name: 'has nothing', has: [], missing: FLOWS.length },
    { name: 'lacks one', has: FLOWS.slice(1), missing: 1 },
    // All load the VNID but the two that drop what else comes in on the port.
    {
      name: 'has them of another project',
      has: podFlows(node, { ...POD, vnid: vnidOf(0x777) }),
      missing: FLOWS.length - 2,
    },
    { name: 'has all', has: FLOWS, missing: 0 },
  ];
  for (const { name, has, missing } of SWITCHES) {
    test(`finds ${missing} when the switch ${name}`, () =>
      assert.equal(missingFlows(FLOWS, installed(has)).length, missing));
  }
});
