import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointAt, zooPort } from '../../testing/port-zoo.ts';
import { endpointChain, portChains } from './chain-names.ts';

test("portChains() gives the article's name when the port is that of logging-es", () => {
  assert.deepEqual(portChains(zooPort()), {
    svc: 'KUBE-SVC-BWSQUABZDDFLJOKN',
    svl: 'KUBE-SVL-BWSQUABZDDFLJOKN',
    ext: 'KUBE-EXT-BWSQUABZDDFLJOKN',
    fw: 'KUBE-FW-BWSQUABZDDFLJOKN',
  });
});

test("endpointChain() gives the article's name when the endpoint is that of logging-es", () => {
  assert.equal(endpointChain(zooPort(), endpointAt('10.131.2.45:9200')), 'KUBE-SEP-H2SZLG7QT6WVYISM');
});

// `printf %s logging/logging-es:httptcp | sha256sum | xxd -r -p | base32 | cut -c -16` of GNU coreutils
test('portChains() hashes the name of the port and its protocol when it has one', () => {
  assert.equal(portChains(zooPort({ portName: 'http' })).svc, 'KUBE-SVC-FYLE6OTGAGOEUIO4');
  assert.equal(portChains(zooPort({ protocol: 'sctp' })).svc, 'KUBE-SVC-MQEGBTAEHWFW6MYP');
});
