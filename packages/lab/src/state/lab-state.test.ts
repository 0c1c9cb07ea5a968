import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ARTICLE_CLUSTER } from '../cluster/article-cluster.ts';
import { claimLab, findLab, releaseDirectory } from './lab-state.ts';

const WISH = { datapath: 'netdev', proxy: 'iptables', apiPort: 1, cluster: ARTICLE_CLUSTER } as const;

test('claimLab() refuses a directory that is claimed, and one that holds something else', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tenet-state-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'letter'), 'dear');
  assert.throws(() => claimLab(directory, WISH), { code: 'STATE_DIRECTORY_TAKEN' });
  assert.deepEqual(readdirSync(directory), ['letter']);
  rmSync(join(directory, 'letter'));
  const lab = claimLab(directory, WISH);
  assert.throws(() => claimLab(directory, WISH), { code: 'LAB_ALREADY_UP' });
  assert.deepEqual(readdirSync(directory), ['lab.json']);
  assert.deepEqual(findLab(directory)?.settings, lab.settings);
});

test('claimLab() takes a directory whose last claim was killed while it wrote, and releaseDirectory() tidies it', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'tenet-state-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'lab.json.draft-0123'), '{"version":1,"to');
  assert.equal(findLab(directory), undefined);
  const lab = claimLab(directory, WISH);
  assert.deepEqual(findLab(directory)?.settings, lab.settings);
  rmSync(lab.paths.settings);
  releaseDirectory(lab);
  assert.deepEqual(readdirSync(directory), []);
});
