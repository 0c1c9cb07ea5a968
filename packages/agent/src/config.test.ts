import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTenetError } from '@tenet/std';
import { parseAgentConfig } from './config.ts';

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
  });
});
