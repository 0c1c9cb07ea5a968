/** The cache of kernels, with an apt-get of ours: what was killed is not taken for whole, and what is unused goes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';

/** Programs in the way of Debian's: the lists know of the version in `version`, and every call is written down. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'apt-cache': `[ -e "$FAKE/version" ] || exit 100
echo "Depends: linux-image-6.1.0-$(cat "$FAKE/version")-amd64 (= 6.1.$(cat "$FAKE/version")-1)"`,
  'apt-get': `[ ! -e "$FAKE/offline" ] || exit 100
case $2 in
  update) [ ! -e "$FAKE/mirror" ] || cp "$FAKE/mirror" "$FAKE/version" ;;
  download) [ ! -e "$FAKE/mirror" ] || cmp -s "$FAKE/mirror" "$FAKE/version" || { echo "E: 404 Not Found"; exit 100; }
    touch "\${3%%=*}_x_amd64.deb" ;;
esac`,
  'dpkg-deb': `mkdir -p "$3/lib/modules/6.1.0-amd64"; touch "$3/lib/modules/6.1.0-amd64/half"
[ ! -e "$FAKE/kill" ] || { rm "$FAKE/kill"; kill -9 $PPID; }`,
  depmod: 'touch "$2/lib/modules/$3/modules.dep"',
};

interface Fake extends Disposable {
  readonly cache: string;
  /** Writes one of the files that the programs look at. */
  set(name: string, text: string): void;
  run(): { readonly status: number | null; readonly directory: string; readonly stderr: string };
  /** The calls of apt-get since the last look. */
  calls(): string[];
}

function fakeDebian(): Fake {
  const tree = mkdtempDisposableSync(join(tmpdir(), 'tenet-unpack-kernel-'));
  const bin = join(tree.path, 'bin');
  const cache = join(tree.path, 'cache/kernel');
  const log = join(tree.path, 'log');
  mkdirSync(bin);
  writeFileSync(log, '');
  for (const [name, text] of Object.entries(PROGRAMS))
    writeFileSync(join(bin, name), `#!/bin/sh\n[ ${name} != apt-get ] || echo "$*" >> "$FAKE/log"\n${text}\n`, {
      mode: 0o755,
    });
  return {
    cache,
    set: (name, text) => writeFileSync(join(tree.path, name), text),
    run() {
      const { status, stdout, stderr } = spawnSync(join(import.meta.dirname, 'unpack-kernel'), [cache], {
        encoding: 'utf8',
        env: { PATH: `${bin}:${process.env.PATH}`, FAKE: tree.path },
      });
      return { status, directory: stdout.trim(), stderr };
    },
    calls() {
      const calls = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      writeFileSync(log, '');
      return calls;
    },
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

const at = (cache: string, version: number) => join(cache, `linux-image-6.1.0-${version}-amd64_6.1.${version}-1`);

describe('unpack-kernel', () => {
  test('downloads once, and prints the same directory again without asking anybody', () => {
    using fake = fakeDebian();
    fake.set('version', '7');
    const first = fake.run();
    assert.deepEqual([first.status, first.directory], [0, at(fake.cache, 7)], first.stderr);
    assert.deepEqual(readdirSync(join(first.directory, 'lib/modules/6.1.0-amd64')).sort(), ['half', 'modules.dep']);
    assert.deepEqual(fake.calls(), ['-q download linux-image-6.1.0-7-amd64=6.1.7-1']);
    assert.deepEqual(fake.run(), { status: 0, directory: first.directory, stderr: '' });
    assert.deepEqual(fake.calls(), []);
  });

  test('does not take for a kernel what a killed run has left', () => {
    using fake = fakeDebian();
    fake.set('version', '7');
    fake.set('kill', '');
    assert.notEqual(fake.run().status, 0);
    assert.ok(!readdirSync(fake.cache).some((name) => name.startsWith('linux-image')));
    const { directory } = fake.run();
    assert.deepEqual(readdirSync(join(directory, 'lib/modules/6.1.0-amd64')).sort(), ['half', 'modules.dep']);
    assert.deepEqual(readdirSync(fake.cache).sort(), ['linux-image-6.1.0-7-amd64_6.1.7-1', 'lock']);
  });

  test('takes another version when there is one, and removes those that nobody used for a month', () => {
    using fake = fakeDebian();
    for (const version of ['6', '7']) {
      fake.set('version', version);
      fake.run();
    }
    const monthsAgo = new Date(Date.now() - 90 * 24 * 3_600_000);
    utimesSync(at(fake.cache, 6), monthsAgo, monthsAgo);
    fake.set('version', '8');
    assert.equal(fake.run().directory, at(fake.cache, 8));
    assert.deepEqual(readdirSync(fake.cache).sort(), [
      'linux-image-6.1.0-7-amd64_6.1.7-1',
      'linux-image-6.1.0-8-amd64_6.1.8-1',
      'lock',
    ]);
  });

  test('takes the newest that is there, and says so, when the mirror cannot be reached', () => {
    using fake = fakeDebian();
    fake.set('version', '7');
    fake.run();
    fake.set('version', '8');
    fake.set('offline', '');
    const { status, directory, stderr } = fake.run();
    assert.deepEqual([status, directory], [0, at(fake.cache, 7)]);
    assert.match(
      stderr,
      /could not download linux-image-6\.1\.0-8-amd64 6\.1\.8-1, taking linux-image-6\.1\.0-7-amd64/,
    );
  });

  test('fetches the lists when there are none', () => {
    using fake = fakeDebian();
    fake.set('mirror', '9');
    assert.equal(fake.run().directory, at(fake.cache, 9));
    assert.equal(fake.calls()[0], '-q update');
  });

  test('fetches the lists when they name a version that has left the mirror', () => {
    using fake = fakeDebian();
    fake.set('version', '7');
    fake.set('mirror', '8');
    assert.equal(fake.run().directory, at(fake.cache, 8));
  });

  test('says what to do when no list has a kernel', () => {
    using fake = fakeDebian();
    const { status, stderr } = fake.run();
    assert.equal(status, 69);
    assert.match(stderr, /no package list of this machine has linux-image-amd64: check \/etc\/apt\/sources.list/);
  });
});
