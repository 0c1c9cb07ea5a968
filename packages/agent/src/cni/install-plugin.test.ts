import assert from 'node:assert/strict';
import { mkdtempDisposableSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseAgentConfig } from '../config.ts';
import { announceNetwork, installPlugin, withdrawNetwork } from './install-plugin.ts';

function directories() {
  const directory = mkdtempDisposableSync(join(tmpdir(), 'tenet-cni-'));
  const own = { configDirectory: join(directory.path, 'net.d'), binDirectory: join(directory.path, 'bin') };
  const { cni } = parseAgentConfig(JSON.stringify({ nodeName: 'n1', cni: own }), 'test');
  return { cni, [Symbol.dispose]: () => directory.remove() };
}

describe('announceNetwork()', () => {
  test('writes one file: a network of one plugin, with a version for every runtime and all for those that choose', () => {
    using made = directories();
    announceNetwork(made.cni);
    assert.deepEqual(readdirSync(made.cni.configDirectory), ['80-tenet.conflist']);
    const file = join(made.cni.configDirectory, '80-tenet.conflist');
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {
      cniVersion: '0.4.0',
      cniVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
      name: 'tenet',
      plugins: [
        {
          type: 'tenet-cni',
          socket: '/run/tenet/cni.sock',
          leases: '/var/lib/tenet/leases',
          capabilities: { ips: true },
        },
      ],
    });
  });

  test('is taken back by withdrawNetwork(), twice without harm', () => {
    using made = directories();
    announceNetwork(made.cni);
    for (let times = 0; times < 2; times++) withdrawNetwork(made.cni);
    assert.deepEqual(readdirSync(made.cni.configDirectory), []);
  });
});

describe('installPlugin()', () => {
  test('writes a program that names runtime and bundle by absolute path, whatever is in them', () => {
    using made = directories();
    installPlugin(made.cni.binDirectory, { runtime: '/opt/a b/node', bundle: "/opt/it's/cni.js" });
    const file = join(made.cni.binDirectory, 'tenet-cni');
    assert.equal(readFileSync(file, 'utf8'), "#!/bin/sh\nexec '/opt/a b/node' '/opt/it'\\''s/cni.js'\n");
    assert.equal(statSync(file).mode & 0o777, 0o755);
    assert.deepEqual(readdirSync(made.cni.binDirectory), ['tenet-cni']);
  });
});
