import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIptablesSave } from '@tenet/netfilter';
import { natPath } from './nat-path.ts';

const SAVED = `\
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SVC-BWSQUABZDDFLJOKN - [0:0]
:KUBE-SEP-H2SZLG7QT6WVYISM - [0:0]
[9:540] -A PREROUTING -j KUBE-SERVICES
[2:120] -A KUBE-SERVICES -d 172.30.229.30/32 -p udp -m udp --dport 9200 -j KUBE-SVC-BWSQUABZDDFLJOKN
[3:180] -A KUBE-SERVICES -d 172.30.229.31/32 -p tcp -m tcp --dport 9200 -j KUBE-SVC-BWSQUABZDDFLJOKN
[1:60] -A KUBE-SERVICES -d 172.30.229.30/32 -p tcp -m comment --comment "logging/logging-es cluster IP" -m tcp --dport 9200 -j KUBE-SVC-BWSQUABZDDFLJOKN
[8:480] -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
[1:60] -A KUBE-SVC-BWSQUABZDDFLJOKN ! -i tun0 -j KUBE-MARK-MASQ
[1:60] -A KUBE-SVC-BWSQUABZDDFLJOKN -m comment --comment "logging/logging-es -> 10.131.2.45:9200" -j KUBE-SEP-H2SZLG7QT6WVYISM
[0:0] -A KUBE-SEP-H2SZLG7QT6WVYISM -s 10.131.2.45/32 -j KUBE-MARK-MASQ
[1:60] -A KUBE-SEP-H2SZLG7QT6WVYISM -p tcp -m tcp -j DNAT --to-destination 10.131.2.45:9200
COMMIT
`;

const NAT = parseIptablesSave(SAVED).tables.get('nat') ?? { chains: new Map() };

test('natPath() is empty when no rule is about the service', () => {
  assert.deepEqual(natPath(NAT, { ip: '172.30.229.30', port: 80, protocol: 'tcp' }), []);
  assert.deepEqual(natPath({ chains: new Map() }, { ip: '172.30.229.30', port: 80, protocol: 'tcp' }), []);
});

test('natPath() follows the chains of a service from its rule to its endpoint, with counters and without comments', () =>
  assert.deepEqual(
    natPath(NAT, { ip: '172.30.229.30', port: 9200, protocol: 'tcp' }).map(({ at, says, packets }) => [
      at,
      says,
      packets,
    ]),
    [
      ['KUBE-SERVICES', '-d 172.30.229.30/32 -p tcp -m tcp --dport 9200 -j KUBE-SVC-BWSQUABZDDFLJOKN', 1n],
      ['KUBE-SVC-BWSQUABZDDFLJOKN', '! -i tun0 -j KUBE-MARK-MASQ', 1n],
      ['KUBE-SVC-BWSQUABZDDFLJOKN', '-j KUBE-SEP-H2SZLG7QT6WVYISM', 1n],
      ['KUBE-SEP-H2SZLG7QT6WVYISM', '-s 10.131.2.45/32 -j KUBE-MARK-MASQ', 0n],
      ['KUBE-SEP-H2SZLG7QT6WVYISM', '-p tcp -m tcp -j DNAT --to-destination 10.131.2.45:9200', 1n],
    ],
  ));
