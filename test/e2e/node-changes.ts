/**
 * Hears every change that anybody makes on a node: flows of br0, persistent rows of the switch's database, links,
 * addresses, routes and policy rules of the kernel, rules of netfilter. Who says "nothing was changed" must be able to
 * hear: each look makes a change of its own in the first, the third and the fourth, and waits until it was heard.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../eventually.ts';
import type { PrivateLab } from './private-lab.ts';

const run = promisify(execFile);

export interface NodeChanges extends AsyncDisposable {
  /**
   * What was changed since the watching began, a line each. Returns after the agent has made a full pass: it removes
   * a flow and a route that were put there for that.
   */
  heard(): Promise<string[]>;
}

/** Documentation addresses (RFC 5737) and a port that no pod has: nothing of Tenet's bears them. */
const STRAY_FLOW = 'table=0,priority=1,in_port=65000,actions=drop';
const STRAY_FLOW_MARK = 'in_port=65000';
const STRAY_ROUTE = '192.0.2.1';
const OWN_TABLE = 'tenet_watched';

const DEADLINE_MS = 20_000;

/** Watches a node of the lab; returns once all of it is heard. */
export async function watchNode(lab: PrivateLab, node: string): Promise<NodeChanges> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.adopt(await mkdtemp(join(tmpdir(), 'tenet-watch-')), (path) => rm(path, { recursive: true }));
  const { ovs, database } = lab.paths.node(node);
  const br0 = ['-OOpenFlow14', `unix:${ovs}/br0.mgmt`] as const;
  const target = `node/${node}`;
  const ofctl = (verb: string, ...args: string[]) => run('ovs-ofctl', [br0[0], verb, br0[1], ...args]);
  const ip = (...args: string[]) => lab.inNetns(target, 'ip', ...args);
  const nft = (...args: string[]) => lab.inNetns(target, 'nft', ...args);
  const inNode = [`--net=${lab.netns(target)}`];

  const flows = undo.use(
    listen('ovs-ofctl', [br0[0], 'monitor', br0[1], 'watch:'], { ...process.env, OVS_RUNDIR: directory }),
  );
  const kernel = undo.use(listen('nsenter', [...inNode, 'ip', 'monitor', 'link', 'address', 'route', 'rule']));
  const netfilter = undo.use(listen('nsenter', [...inNode, 'nft', 'monitor']));

  /** Makes a change again and again until it is heard: the first may come before the listener listens. */
  async function heardOwn(listener: Listener, mark: string, change: () => Promise<unknown>): Promise<void> {
    const before = listener.lines().length;
    await eventually(
      async () => {
        await change();
        return listener
          .lines()
          .slice(before)
          .some((line) => line.includes(mark))
          ? true
          : undefined;
      },
      { what: `the listener hears ${mark}`, deadlineMs: DEADLINE_MS },
    );
  }

  const ownRoute = () =>
    heardOwn(kernel, STRAY_ROUTE, async () => {
      await ip('route', 'replace', 'blackhole', STRAY_ROUTE);
      await ip('route', 'delete', 'blackhole', STRAY_ROUTE);
    });
  const ownTable = () =>
    heardOwn(netfilter, OWN_TABLE, async () => {
      await nft('add', 'table', 'ip', OWN_TABLE);
      await nft('delete', 'table', 'ip', OWN_TABLE);
    });
  const records = async () => (await run('ovsdb-tool', ['-mm', 'show-log', database])).stdout.split(/^(?=record )/m);

  const installed = (await ofctl('dump-flows', '--no-stats')).stdout
    .split('\n')
    .filter((line) => line.includes('actions='));
  await eventually(
    () =>
      flows.lines().filter((line) => line.includes('event=INITIAL')).length >= installed.length ? true : undefined,
    { what: 'the flows that are there were heard', deadlineMs: DEADLINE_MS },
  );
  await Promise.all([ownRoute(), ownTable()]);
  const firstRecord = (await records()).length;

  const owned = undo.move();
  return {
    async heard() {
      const changed = (await records()).slice(firstRecord);
      await ip('route', 'add', STRAY_ROUTE, 'dev', 'tun0');
      await ofctl('add-flow', STRAY_FLOW);
      await eventually(
        () =>
          flows.lines().some((line) => line.includes('event=DELETED') && line.includes(STRAY_FLOW_MARK)) &&
          kernel.lines().some((line) => line.startsWith(`Deleted ${STRAY_ROUTE} dev tun0`))
            ? true
            : undefined,
        { what: `the agent of ${node} has made a full pass`, deadlineMs: DEADLINE_MS },
      );
      await Promise.all([ownRoute(), ownTable()]);
      const others = [
        ...flows.lines().filter((line) => /event=(?!INITIAL)/.test(line) && !line.includes(STRAY_FLOW_MARK)),
        ...kernel.lines().filter((line) => !line.includes(STRAY_ROUTE)),
        ...netfilter.lines().filter((line) => !line.includes(OWN_TABLE) && !line.endsWith('(nft)')),
        ...changed,
      ];
      return others.map((line) => line.trim()).filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Listener extends AsyncDisposable {
  lines(): string[];
}

function listen(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Listener {
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let text = '';
  // ovs-ofctl writes what was there to its output, and what happens then to its errors.
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  return {
    lines() {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`${program} ${args.join(' ')} hears nothing any more: ${text}`);
      return text.split('\n');
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}
