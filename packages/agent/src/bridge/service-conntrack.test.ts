import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip } from '@tenet/std';
import { mentionsSource } from './service-conntrack.ts';

/** As `ovs-appctl dpctl/dump-conntrack zone=25` of OVS 3.1 prints entries. */
const DUMP = [
  'tcp,orig=(src=10.131.2.45,dst=10.131.2.4,sport=40000,dport=8080),reply=(src=10.131.2.4,dst=10.131.2.45,sport=8080,dport=40000),zone=25,mark=1,protoinfo=(state=ESTABLISHED)',
  'udp,orig=(src=10.131.2.200,dst=10.131.2.7,sport=4,dport=5),reply=(src=10.131.2.7,dst=10.131.2.200,sport=5,dport=4),zone=25,mark=1',
].join('\n');

describe('mentionsSource()', () => {
  const CASES = [
    { ip: '10.131.2.9', is: false, why: 'no entry names it' },
    { ip: '10.131.2.20', is: false, why: 'it is only the beginning of another address' },
    { ip: '10.131.2.45', is: true, why: 'it is the source of an original direction' },
    { ip: '10.131.2.7', is: true, why: 'it is the source of a reply direction' },
  ];
  for (const { ip, is, why } of CASES) {
    test(`is ${is} for ${ip}: ${why}`, () => assert.equal(mentionsSource(DUMP, Ip.parse(ip)), is));
  }
});
