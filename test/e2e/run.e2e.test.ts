/** `tenet lab run`, which is what `npm start` shows: its words, its exit status, and that it never outlives its user. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inNamespace, writeSysctl } from '@tenet/host';
import { findLab, targetsOf } from '@tenet/lab';
import { eventually } from '../eventually.ts';
import { remains } from './remains.ts';

const TENET = join(import.meta.dirname, '../../bin/tenet');
const DEADLINE_MS = 60_000;
const TERMINAL_COLUMNS = 120;

const root = mkdtempSync(join(tmpdir(), 'tenet-run-'));
const running = new Set<ChildProcess>();

after(async () => {
  for (const child of running) child.kill('SIGTERM');
  await eventually(() => (running.size === 0 ? true : undefined), { what: 'all labs down', deadlineMs: DEADLINE_MS });
  rmSync(root, { recursive: true, force: true });
});

interface Run {
  readonly state: string;
  readonly child: ChildProcess;
  /** What it has printed so far. */
  text(): string;
  /** Waits until it has printed that. */
  says(words: string): Promise<void>;
}

function start(name: string, command: readonly [string, ...string[]]): Run {
  const state = join(root, name);
  const [program, ...args] = command;
  const child = spawn(program, [...args, 'lab', 'run', '--state', state], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return {
    state,
    child,
    text: () => text,
    async says(words) {
      await eventually(() => (text.includes(words) || child.exitCode !== null ? true : undefined), {
        what: words,
        deadlineMs: DEADLINE_MS,
      });
      assert.ok(text.includes(words), text);
    },
  };
}

function idOf(state: string): string {
  const lab = findLab(state);
  assert.ok(lab !== undefined, `there is no lab at ${state}`);
  return lab.paths.id;
}

const MATRIX = `\
                     alpha/  alpha/  alpha/  beta/   beta/   beta/   default/ logging/
from \\ to            client  web     web-2   client  db      db-2    router   logging-es-1 dt-infra1 dt-node2 outside
alpha/client         -       reaches reaches blocked blocked blocked reaches  reaches      reaches   reaches  reaches
alpha/web            reaches -       reaches blocked blocked blocked reaches  reaches      reaches   reaches  reaches
alpha/web-2          reaches reaches -       blocked blocked blocked reaches  reaches      reaches   reaches  reaches
beta/client          blocked blocked blocked -       reaches reaches reaches  reaches      reaches   reaches  reaches
beta/db              blocked blocked blocked reaches -       reaches reaches  reaches      reaches   reaches  reaches
beta/db-2            blocked blocked blocked reaches reaches -       reaches  reaches      reaches   reaches  reaches
default/router       reaches reaches reaches reaches reaches reaches -        reaches      reaches   reaches  reaches
logging/logging-es-1 reaches reaches reaches reaches reaches reaches reaches  -            reaches   reaches  reaches
dt-infra1            reaches reaches reaches reaches reaches reaches reaches  reaches      -         reaches  reaches
dt-node2             reaches reaches reaches reaches reaches reaches reaches  reaches      reaches   -        reaches
outside              -       -       -       -       -       -       -        -            reaches   reaches  -
`;

/** From, to, and the node whose switch drops: the destination's. */
const BLOCKED = [
  ['alpha/client', 'beta/client', 'dt-node2'],
  ['alpha/client', 'beta/db', 'dt-infra1'],
  ['alpha/client', 'beta/db-2', 'dt-node2'],
  ['alpha/web', 'beta/client', 'dt-node2'],
  ['alpha/web', 'beta/db', 'dt-infra1'],
  ['alpha/web', 'beta/db-2', 'dt-node2'],
  ['alpha/web-2', 'beta/client', 'dt-node2'],
  ['alpha/web-2', 'beta/db', 'dt-infra1'],
  ['alpha/web-2', 'beta/db-2', 'dt-node2'],
  ['beta/client', 'alpha/client', 'dt-node2'],
  ['beta/client', 'alpha/web', 'dt-infra1'],
  ['beta/client', 'alpha/web-2', 'dt-node2'],
  ['beta/db', 'alpha/client', 'dt-node2'],
  ['beta/db', 'alpha/web', 'dt-infra1'],
  ['beta/db', 'alpha/web-2', 'dt-node2'],
  ['beta/db-2', 'alpha/client', 'dt-node2'],
  ['beta/db-2', 'alpha/web', 'dt-infra1'],
  ['beta/db-2', 'alpha/web-2', 'dt-node2'],
] as const;

/** The article's names: they follow from the service, its port and its endpoint. */
const [SVC, SEP] = ['KUBE-SVC-BWSQUABZDDFLJOKN', 'KUBE-SEP-H2SZLG7QT6WVYISM'];

/** Each of these counts the request: chain or table, what it counted before and after, and what it says. */
const COUNTED = [
  ['KUBE-SERVICES', `-d 172.30.229.30/32 -p tcp -m tcp --dport 9200 -j ${SVC}`],
  [SVC, `-j ${SEP}`],
  [SEP, '-p tcp -m tcp -j DNAT --to-destination 10.131.2.45:9200'],
  ['table 0', 'ip,in_port=2,nw_src=10.131.2.1 actions=goto_table:30'],
  ['table 30', 'ip,nw_dst=10.131.2.0/23 actions=goto_table:70'],
  ['table 70', 'ip,nw_dst=10.131.2.45 actions=load:0->NXM_NX_REG1[],load:0x2d->NXM_NX_REG2[],goto_table:80'],
  ['table 80', 'ip,nw_src=10.131.2.1 actions=output:NXM_NX_REG2[]'],
] as const;

function assertArticlesPath(text: string): void {
  const title = 'a request from dt-infra1 to logging/logging-es, 172.30.229.30:9200 (packets before → after):';
  assert.ok(text.includes(`\n${title}\n`), text);
  assert.match(text, /^ {2}route +172\.30\.0\.0\/16 dev tun0$/m);
  for (const [at, says] of COUNTED) {
    const line = text.split('\n').find((each) => each.includes(` ${at} `) && each.endsWith(`  ${says}`));
    const [, before, after] = / (\d+) → (\d+) /.exec(line ?? '') ?? [];
    assert.ok(Number(after) > Number(before), `${at} ${says}: ${before} → ${after}\n${text}`);
  }
  assert.match(text, /^ {2}answer +answered by logging\/logging-es-1, which saw 10\.131\.2\.1$/m);
}

describe('tenet lab run', () => {
  test("shows who reaches whom, the article's path and the ways in, what was counted, and ends with 0 at Ctrl-C", async () => {
    const run = start('good', [TENET]);
    await run.says('press Ctrl-C to take the lab down');
    const text = run.text();
    assert.ok(text.includes(`\n${MATRIX}\n`), text);
    for (const [from, to, node] of BLOCKED)
      assert.match(text, new RegExp(`^${from} → ${to} +blocked: \\d+ × tenant-mismatch counted on ${node}$`, 'm'));
    // 11 places and 110 pairs; that nothing gets from outside to 8 pods says nothing.
    assert.match(
      text,
      /^proven with real packets, 102 pairs by TCP, UDP and ICMP: .*\n.*\(18 of 18 dropped and counted\)$/m,
    );
    assertArticlesPath(text);
    assert.match(text, /^ {2}10\.122\.70\.72:30080 +node port of alpha\/web +answered by alpha\/web(-2)?, /m);
    assert.match(
      text,
      /^ {2}10\.122\.70\.100:80 for web\.alpha\.example +external IP of default\/router +answered by alpha\/web(-2)?, /m,
    );
    assert.doesNotMatch(text, /NOT AS EXPECTED|expected/);
    const widest = text.split('\n').reduce((a, b) => (b.length > a.length ? b : a));
    assert.ok(widest.length <= TERMINAL_COLUMNS, `${widest.length} columns: ${widest}`);
    assert.ok(text.includes(`bin/tenet lab exec --state ${run.state} pod/alpha/client -- curl`), text);
    const id = idOf(run.state);
    run.child.kill('SIGINT');
    assert.deepEqual(await once(run.child, 'close'), [0, null]);
    assert.deepEqual(remains(run.state, id), []);
  });

  test('says what is not as it ought to be, and ends with 1', async () => {
    const run = start('bad', [TENET]);
    // A pod of the cluster that does not answer to echo requests, from before the first packet is sent.
    const pod = await eventually(
      () => {
        const lab = run.text().includes('agent of') ? findLab(run.state) : undefined;
        return lab === undefined ? undefined : targetsOf(lab).get('pod/alpha/web');
      },
      { what: 'the namespace of alpha/web', deadlineMs: DEADLINE_MS },
    );
    inNamespace(pod, () => writeSysctl('net.ipv4.icmp_echo_ignore_all', '1'));
    await run.says('press Ctrl-C to take the lab down');
    const text = run.text();
    assert.match(text, /^NOT AS EXPECTED: 6 of 102 pairs by TCP, UDP and ICMP$/m);
    assert.doesNotMatch(text, /proven/);
    for (const from of [
      'alpha/client',
      'alpha/web-2',
      'default/router',
      'logging/logging-es-1',
      'dt-infra1',
      'dt-node2',
    ]) {
      const complaint = new RegExp(
        `^ {2}${from} → alpha/web: expected reaches, seen as [0-9.]+; seen TCP answered .*, ICMP timeout$`,
        'm',
      );
      assert.match(text, complaint);
    }
    assert.match(text, /^alpha\/client .* TCP\+UDP only \(!\)/m);
    run.child.kill('SIGINT');
    assert.deepEqual(await once(run.child, 'close'), [1, null]);
  });

  test('takes the lab down when the shell that called it is killed', async () => {
    // Not its last command, so that the shell stays.
    const run = start('orphan', ['/bin/sh', '-c', '"$@"; true', 'sh', TENET]);
    await run.says('lab is up after');
    const id = idOf(run.state);
    const children = readFileSync(`/proc/${run.child.pid}/task/${run.child.pid}/children`, 'utf8');
    const [pid = ''] = children.trim().split(' ');
    assert.ok(readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(run.state));
    run.child.kill('SIGKILL');
    // Its output closes when the last of the lab's processes that holds it has ended.
    await once(run.child, 'close');
    await eventually(() => (remains(run.state, id).length === 0 ? true : undefined), {
      what: `nothing of ${id}`,
      deadlineMs: DEADLINE_MS,
    });
    assert.match(run.text(), /stopped: the lab was taken down again\n$/);
  });
});
