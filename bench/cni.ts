/**
 * How long a pod waits for its network: the whole of an ADD and of a DEL, from the start of the plugin's process to its
 * end, beside the `bridge` plugin with `host-local` addresses of containernetworking-plugins. Both run in one node's
 * namespace, in turns, first one by one and then many at once; what `tenet node` needs of it stands apart, as it logs it.
 * The table shows medians. Run it by `npm run bench:cni`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { privateNode } from '../test/integration/private-node.ts';

const REPETITIONS = 30;
const AT_ONCE = 50;
const ROUNDS_AT_ONCE = 3;
const REFERENCE_DIRECTORY = '/usr/lib/cni';

for (const plugin of ['bridge', 'host-local']) {
  if (existsSync(join(REFERENCE_DIRECTORY, plugin))) continue;
  process.stderr.write(
    `${join(REFERENCE_DIRECTORY, plugin)} is missing: apt-get install containernetworking-plugins\n`,
  );
  process.exit(1);
}

await using node = await privateNode({ subnet: '10.131.2.0/23' });
await using daemon = await node.start({ logLevel: 'debug' });
await daemon.ready();

/** A plugin as a runtime is configured to execute it. */
interface Plugin {
  readonly directory: string;
  readonly configuration: { readonly type: string; readonly [key: string]: unknown };
}

interface Sandbox {
  readonly netns: string;
  readonly containerId: string;
}

const { plugins, name, cniVersion } = JSON.parse(readFileSync(join(node.configDirectory, '80-tenet.conflist'), 'utf8'));
const tenet: Plugin = { directory: node.binDirectory, configuration: { ...plugins[0], name, cniVersion } };
const bridge: Plugin = {
  directory: REFERENCE_DIRECTORY,
  configuration: {
    type: 'bridge',
    name: 'reference',
    cniVersion,
    bridge: 'cni0',
    isGateway: true,
    ipam: {
      type: 'host-local',
      dataDir: join(node.ovs.directory, 'host-local'),
      ranges: [[{ subnet: '10.99.0.0/16' }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  },
};

const oneByOne = {
  add: { tenet: [] as number[], bridge: [] as number[] },
  del: { tenet: [] as number[], bridge: [] as number[] },
};
for (let turn = 0; turn < REPETITIONS; turn++) {
  for (const [which, plugin] of [
    ['tenet', tenet],
    ['bridge', bridge],
  ] as const) {
    const sandbox = node.sandbox();
    oneByOne.add[which].push(await msOf(() => call(plugin, 'ADD', sandbox)));
    oneByOne.del[which].push(await msOf(() => call(plugin, 'DEL', sandbox)));
  }
}
const alone = { add: agentCalls('ADD'), del: agentCalls('DEL') };

const together = {
  add: { tenet: [] as number[], bridge: [] as number[] },
  del: { tenet: [] as number[], bridge: [] as number[] },
};
for (let round = 0; round < ROUNDS_AT_ONCE; round++) {
  for (const [which, plugin] of [
    ['tenet', tenet],
    ['bridge', bridge],
  ] as const) {
    const sandboxes = Array.from({ length: AT_ONCE }, () => node.sandbox());
    together.add[which].push(await msOf(() => Promise.all(sandboxes.map((sandbox) => call(plugin, 'ADD', sandbox)))));
    together.del[which].push(await msOf(() => Promise.all(sandboxes.map((sandbox) => call(plugin, 'DEL', sandbox)))));
  }
}
const crowded = { add: agentCalls('ADD').slice(REPETITIONS), del: agentCalls('DEL').slice(REPETITIONS) };

process.stdout.write(`${row('', 'tenet ms', 'bridge ms', 'tenet / bridge', 'agent ms')}\n`);
print('ADD', oneByOne.add, alone.add);
print('DEL', oneByOne.del, alone.del);
print(`${AT_ONCE} ADDs at once`, together.add, crowded.add);
print(`${AT_ONCE} DELs at once`, together.del, crowded.del);
process.stdout.write(`\nThe agent's parts of one ADD, medians: ${partsOf(alone.add)}\n`);
process.stdout.write(`The agent's parts of one DEL, medians: ${partsOf(alone.del)}\n`);
process.stdout.write(`The agent's parts of one of ${AT_ONCE} ADDs at once, medians: ${partsOf(crowded.add)}\n`);
process.stdout.write(`The agent's parts of one of ${AT_ONCE} DELs at once, medians: ${partsOf(crowded.del)}\n`);

interface AgentCall {
  readonly ms: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** What the daemon has logged of its calls so far. */
function agentCalls(command: 'ADD' | 'DEL'): AgentCall[] {
  const phrase = command === 'ADD' ? 'time of an ADD' : 'time of a DEL';
  return daemon
    .lines()
    .filter(({ message }) => message === phrase)
    .map(({ ms, parts }) => ({ ms: Number(ms), parts: { ...(parts as Record<string, number>) } }));
}

/** Executes a plugin in the node's namespace, as a runtime on that node would; rejects when it fails. */
async function call({ directory, configuration }: Plugin, command: string, sandbox: Sandbox): Promise<void> {
  const child: ChildProcess = spawn(
    'nsenter',
    [`--net=/run/netns/${node.ovs.netns}`, '--', join(directory, configuration.type)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: sandbox.containerId,
        CNI_NETNS: sandbox.netns,
        CNI_IFNAME: 'eth0',
        CNI_PATH: directory,
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=alpha;K8S_POD_NAME=bench-${randomBytes(4).toString('hex')}`,
        PATH: process.env.PATH ?? '',
      },
    },
  );
  child.stdin?.end(JSON.stringify(configuration));
  const [printed] = await Promise.all([child.stdout ? text(child.stdout) : '', once(child, 'close')]);
  if (child.exitCode !== 0) throw new Error(`${command} by ${configuration.type} failed: ${printed}`);
}

async function msOf(body: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await body();
  return performance.now() - startMs;
}

function print(
  what: string,
  { tenet: ours, bridge: theirs }: Record<'tenet' | 'bridge', number[]>,
  agent: AgentCall[],
): void {
  const [we, they] = [median(ours), median(theirs)];
  const own = median(agent.map(({ ms }) => ms));
  process.stdout.write(`${row(what, we.toFixed(0), they.toFixed(0), (we / they).toFixed(2), own.toFixed(1))}\n`);
}

function partsOf(calls: readonly AgentCall[]): string {
  const names = [...new Set(calls.flatMap(({ parts }) => Object.keys(parts)))];
  return names.map((part) => `${part} ${median(calls.map(({ parts }) => parts[part] ?? 0)).toFixed(1)}`).join(', ');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function row(...cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(18)).join('');
}
