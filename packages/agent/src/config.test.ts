import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { parseAgentConfig, statusSocketOf } from './config.ts';

describe('parseAgentConfig()', () => {
  const REFUSED = [
    { name: 'an empty file', text: '', problem: /nodeName/ },
    { name: 'text that is not YAML', text: 'nodeName: [', problem: /not YAML/ },
    { name: 'an unknown setting', text: 'nodeName: a\nnodeNmae: b', problem: /nodeNmae/ },
    { name: 'an unknown datapath', text: 'nodeName: a\ndatapath: dpdk', problem: /datapath/ },
    {
      name: 'a relative path',
      text: 'nodeName: a\ncni: { socket: cni.sock }',
      problem: /cni\.socket: must be an absolute path/,
    },
    {
      name: 'a port without an address',
      text: 'nodeName: a\nmetrics: { listen: "9101" }',
      problem: /metrics\.listen: must be ADDRESS:PORT or none/,
    },
    {
      name: 'an address that is none',
      text: 'nodeName: a\nmetrics: { listen: "300.0.0.1:9101" }',
      problem: /metrics\.listen: must have an IP address/,
    },
    {
      name: 'a port that is none',
      text: 'nodeName: a\nmetrics: { listen: "127.0.0.1:65536" }',
      problem: /metrics\.listen: must have a port/,
    },
    {
      name: 'a proxy that is none of ours',
      text: 'nodeName: a\nproxy: { mode: ipvs }',
      problem: /proxy\.mode/,
    },
    {
      name: 'an address of node ports that is no network',
      text: 'nodeName: a\nproxy: { nodePortAddresses: [192.0.2.0/24, 192.0.2.1/24] }',
      problem: /proxy\.nodePortAddresses\.1: must be a CIDR/,
    },
    {
      name: 'to write never',
      text: 'nodeName: a\nproxy: { syncsPerSecond: 0 }',
      problem: /proxy\.syncsPerSecond/,
    },
  ];
  for (const { name, text, problem } of REFUSED) {
    test(`refuses ${name} and names the setting`, () => {
      assert.throws(
        () => parseAgentConfig(text, 'f.yaml'),
        (error) => isTenetError(error, 'CONFIG_INVALID') && problem.test(error.message),
      );
    });
  }

  test('needs the name of the node only', () => {
    const config = parseAgentConfig('nodeName: dt-infra1', 'f.yaml');
    assert.equal(config.datapath, 'system');
    assert.equal(config.cni.socket, '/run/tenet/cni.sock');
    assert.equal(config.openvswitch.database, '/run/openvswitch/db.sock');
    assert.deepEqual(config.metrics.listen, { host: '127.0.0.1', port: 9101, text: '127.0.0.1:9101' });
    assert.equal(statusSocketOf(config), '/run/tenet/status.sock');
    assert.deepEqual(config.proxy, { mode: 'iptables', nodePortAddresses: [], syncsPerSecond: 5, syncBurst: 10 });
  });

  test('reads the networks of node ports', () => {
    const { proxy } = parseAgentConfig(
      'nodeName: a\nproxy: { nodePortAddresses: [192.0.2.0/24, "::1/128"] }',
      'f.yaml',
    );
    assert.deepEqual(proxy.nodePortAddresses.map(String), ['192.0.2.0/24', '::1/128']);
  });

  const LISTEN = [
    { text: 'none', address: undefined },
    { text: '0.0.0.0:80', address: { host: '0.0.0.0', port: 80, text: '0.0.0.0:80' } },
    { text: '[::1]:9101', address: { host: '::1', port: 9101, text: '[::1]:9101' } },
  ];
  for (const { text, address } of LISTEN) {
    test(`reads metrics.listen: ${text}`, () => {
      const config = parseAgentConfig(`nodeName: a\nmetrics: { listen: '${text}' }`, 'f.yaml');
      assert.deepEqual(config.metrics.listen, address);
    });
  }
});
