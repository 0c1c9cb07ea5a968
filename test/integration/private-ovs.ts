/**
 * A private Open vSwitch for one test file: ovsdb-server and ovs-vswitchd with the userspace datapath, in a temporary
 * directory and a network namespace of their own, gone when the block that owns it ends.
 *
 *   await using ovs = await privateOvs({ bridges: ['br0'] });
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sweep } from './sweep.ts';

/** Settings of `privateOvs`. */
export interface PrivateOvsOptions {
  /** Bridges to make: `datapath_type=netdev`, `fail_mode=secure`, OpenFlow 1.3 to 1.5. None unless told. */
  readonly bridges?: readonly string[];
}

/** What a test sees of its Open vSwitch. */
export interface PrivateOvs extends AsyncDisposable {
  /** OVS_RUNDIR: holds the database, sockets, pid files and logs. */
  readonly directory: string;
  /** The namespace that ovs-vswitchd runs in, with `lo` up: its internal ports appear there. The name carries our pid. */
  readonly netns: string;
  /** ovsdb-server's socket. */
  readonly dbSocket: string;
  /** ovs-vswitchd's unixctl socket, `ovs-vswitchd.<pid>.ctl`: another one after each restart. */
  readonly ctlSocket: string;
  /** The bridge's OpenFlow socket. */
  mgmt(bridge: string): string;
  /** Runs ovs-vsctl against this instance and answers its standard output. */
  vsctl(...args: readonly string[]): Promise<string>;
  /** Runs ovs-appctl against this ovs-vswitchd. */
  appctl(...args: readonly string[]): Promise<string>;
  /** Runs a program inside `netns`. */
  inNetns(program: string, ...args: readonly string[]): Promise<string>;
  /** Stop with SIGTERM (SIGKILL for a crash) and start; start returns when the first configuration has been applied. */
  stopVswitchd(signal?: NodeJS.Signals): Promise<void>;
  startVswitchd(): Promise<void>;
  restartVswitchd(): Promise<void>;
  stopOvsdb(signal?: NodeJS.Signals): Promise<void>;
  startOvsdb(): Promise<void>;
  restartOvsdb(): Promise<void>;
  /** Runs `body`; when that fails, the error carries ports, flows, database and both logs. */
  explain<T>(body: () => Promise<T>): Promise<T>;
}

/** Starts a private Open vSwitch. Needs root and Debian's openvswitch-switch; says so when it has them not. */
export async function privateOvs({ bridges = [] }: PrivateOvsOptions = {}): Promise<PrivateOvs> {
  await using undo = new AsyncDisposableStack();
  sweep(PREFIX);
  const ours = `${PREFIX}-${process.pid}-`;
  const directory = undo.adopt(await mkdtemp(join(tmpdir(), ours)), (path) => rm(path, { recursive: true }));
  const netns = `${ours}${++started}`;
  await run('ip', 'netns', 'add', netns);
  undo.defer(async () => void (await run('ip', 'netns', 'del', netns)));
  await run('ip', '-n', netns, 'link', 'set', 'lo', 'up');

  const dbSocket = join(directory, 'db.sock');
  const database = join(directory, 'conf.db');
  await run('ovsdb-tool', 'create', database, '/usr/share/openvswitch/vswitch.ovsschema');
  const ovsdb = undo.use(
    daemon({ name: 'ovsdb-server', directory, netns, args: [database, `--remote=punix:${dbSocket}`] }),
  );
  const vswitchd = undo.use(daemon({ name: 'ovs-vswitchd', directory, netns, args: [`unix:${dbSocket}`] }));

  const vsctl = (...args: readonly string[]) => run('ovs-vsctl', `--db=unix:${dbSocket}`, '--timeout=10', ...args);
  const appctl = (...args: readonly string[]) => run('ovs-appctl', `--target=${vswitchd.ctlSocket}`, ...args);
  const mgmt = (bridge: string) => join(directory, `${bridge}.mgmt`);

  async function explain<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      throw new Error(`${cause instanceof Error ? cause.message : cause}\n${await diagnosis()}`, { cause });
    }
  }

  async function diagnosis(): Promise<string> {
    const names = (await vsctl('list-br').catch(() => '')).split('\n').filter(Boolean);
    const parts: readonly (readonly [string, Promise<string>])[] = [
      ['ovs-vsctl show', vsctl('show')],
      ...names.map((name) => [`flows of ${name}`, run('ovs-ofctl', '-OOpenFlow13', 'dump-flows', mgmt(name))] as const),
      ['ovsdb-client dump', run('ovsdb-client', 'dump', `unix:${dbSocket}`, 'Open_vSwitch', 'Interface')],
      ['ovsdb-server.log', ovsdb.log()],
      ['ovs-vswitchd.log', vswitchd.log()],
    ];
    const texts = parts.map(async ([title, text]) => `--- ${title}\n${await text.catch(String)}`);
    return (await Promise.all(texts)).join('\n');
  }

  await explain(async () => {
    await ovsdb.start();
    await vsctl('--no-wait', 'init');
    await vswitchd.start();
    for (const bridge of bridges) await vsctl(...ADD_BRIDGE(bridge));
  });

  const owned = undo.move();
  return {
    directory,
    netns,
    dbSocket,
    get ctlSocket() {
      return vswitchd.ctlSocket;
    },
    mgmt,
    vsctl,
    appctl,
    inNetns: (program, ...args) => run('ip', 'netns', 'exec', netns, program, ...args),
    stopVswitchd: vswitchd.stop,
    startVswitchd: vswitchd.start,
    restartVswitchd: vswitchd.restart,
    stopOvsdb: ovsdb.stop,
    startOvsdb: ovsdb.start,
    restartOvsdb: ovsdb.restart,
    explain,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const PREFIX = 'tenet-ovs';

/** Instances of this process, so that a file may have several. */
let started = 0;

const ADD_BRIDGE = (bridge: string) => [
  ...['add-br', bridge, '--', 'set', 'Bridge', bridge, 'datapath_type=netdev', 'fail_mode=secure'],
  'protocols=OpenFlow13,OpenFlow14,OpenFlow15',
];

/** How long a daemon may take to start, stop or answer on a busy machine. */
const DEADLINE_MS = 20_000;

async function run(program: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { timeout: DEADLINE_MS, maxBuffer: 2 ** 26 })).stdout;
}

interface DaemonOptions {
  readonly name: 'ovsdb-server' | 'ovs-vswitchd';
  readonly directory: string;
  readonly netns: string;
  readonly args: readonly string[];
}

/** One of the two daemons: a child of ours, so that it is ended by its own pid and dies with this process. */
function daemon({ name, directory, netns, args }: DaemonOptions) {
  const logFile = join(directory, `${name}.log`);
  let child: ChildProcess | undefined;
  const log = () => readFile(logFile, 'utf8');

  async function start(): Promise<void> {
    const before = (await log().catch(() => '')).length;
    // `ip` and `setpriv` replace themselves by the next program, so the pid stays the child's.
    const program = ['netns', 'exec', netns, 'setpriv', '--pdeathsig', 'KILL', name, ...args];
    child = spawn('ip', [...program, '--pidfile', `--log-file=${logFile}`, '-vconsole:off'], {
      stdio: 'ignore',
      env: { ...process.env, OVS_RUNDIR: directory, OVS_LOGDIR: directory, OVS_DBDIR: directory },
    });
    await once(child, 'spawn');
    // Both daemons log their version once they serve: ovs-vswitchd after its first pass over the database.
    const deadline = Date.now() + DEADLINE_MS;
    while (!/\(Open vSwitch\) \d/.test((await log().catch(() => '')).slice(before))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended while it started`);
      if (Date.now() > deadline) throw new Error(`${name} did not start within ${DEADLINE_MS} ms`);
      await pause(5);
    }
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  async function restart(): Promise<void> {
    await stop();
    await start();
  }

  return {
    start,
    stop,
    restart,
    log,
    get ctlSocket(): string {
      return join(directory, `${name}.${child?.pid}.ctl`);
    },
    // Nothing of it is kept, so nothing is lost by not asking politely.
    [Symbol.asyncDispose]: () => stop('SIGKILL'),
  };
}
