/** Asks the kernel for the ways of packets through a node's rules: of all those that bear the DSCP of traced ones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inNamespace } from '@tenet/host';
import { eventually } from '../eventually.ts';
import { LegacyTrace } from './legacy-trace.ts';
import { within } from './node-and-pod.ts';
import { sendFrom } from './raw-ip-socket.ts';
import { NODE_NETWORK, type ServiceNode } from './service-node.ts';
import { questionBytes, TRACED_DSCP } from './service-packet.ts';
import { noteNftLine, noteXtablesLine, type TracedWay, TracedWays } from './traced-ways.ts';

/** Whose words the way is told in. */
export type Teller = 'xtables-monitor' | 'nft' | 'nfnetlink_log';

export interface RulesTrace extends AsyncDisposable {
  /** What the kernel has told by now of the packet with this number. */
  wayOf(number: number): TracedWay | undefined;
}

/** The packet by which it is seen that ways are told. */
const FIRST = 65_535;

/** From now on the kernel tells the ways of packets with the DSCP of traced ones to whoever listens. */
export function markTraced(node: ServiceNode, teller: Teller): void {
  const dscp = `${TRACED_DSCP}`;
  if (teller === 'nft') {
    run(node, 'nft', 'add table ip tracing');
    for (const hook of ['prerouting', 'output']) {
      run(node, 'nft', `add chain ip tracing ${hook} { type filter hook ${hook} priority -350 ; }`);
      run(node, 'nft', `add rule ip tracing ${hook} ip dscp ${dscp} meta nftrace set 1`);
    }
    return;
  }
  const iptables = teller === 'nfnetlink_log' ? 'iptables-legacy' : 'iptables-nft';
  for (const chain of ['PREROUTING', 'OUTPUT'])
    run(node, iptables, '-t', 'raw', '-I', chain, '-m', 'dscp', '--dscp', dscp, '-j', 'TRACE');
}

/** Listens, while the rules stay as they are: who tells has read them before. */
export async function rulesTrace(node: ServiceNode, teller: Teller): Promise<RulesTrace> {
  const ways = new TracedWays();
  const { look, end } = teller === 'nfnetlink_log' ? logged(node, ways) : monitored(node, teller, ways);
  let sentMs = Number.NEGATIVE_INFINITY;
  await eventually(
    () => {
      // Not more often: what is told while nobody reads yet must fit into the buffer of who listens.
      if (performance.now() - sentMs > 200) {
        sentMs = performance.now();
        sendFirst(node);
      }
      look();
      return ways.wayOf(FIRST);
    },
    { what: `${teller} tells the way of a packet`, deadlineMs: 30_000 },
  );
  return {
    wayOf(number) {
      look();
      return ways.wayOf(number);
    },
    [Symbol.asyncDispose]: end,
  };
}

interface Source {
  /** Takes in what was told since the last call. */
  look(): void;
  end(): Promise<void>;
}

/** The log says the numbers of rules. */
function logged(node: ServiceNode, ways: TracedWays): Source {
  const listings = new Map<string, readonly string[]>();
  const trace = new LegacyTrace(node.namespace, (table, chain, number) => {
    const key = `${table} ${chain}`;
    const listing = listings.get(key) ?? run(node, 'iptables-legacy', '-t', table, '-S', chain).split('\n');
    listings.set(key, listing);
    if (number === 'policy') return `policy ${listing[0]?.split(' ').at(-1)}`;
    return listing.filter((line) => line.startsWith('-A '))[number - 1] ?? `rule ${number}`;
  });
  return { look: () => trace.noteTo(ways), end: async () => trace[Symbol.dispose]() };
}

function monitored(node: ServiceNode, teller: 'xtables-monitor' | 'nft', ways: TracedWays): Source {
  const [program, args, note] =
    teller === 'nft'
      ? (['nft', ['monitor', 'trace'], noteNftLine] as const)
      : (['xtables-monitor', ['--trace'], noteXtablesLine] as const);
  const child = inNamespace(node.namespace, () => spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const closed = once(child, 'close');
  createInterface(child.stdout).on('line', (line) => note(ways, line));
  return {
    // Lines come in by themselves.
    look() {
      if (child.exitCode !== null) throw new Error(`${teller} has ended with status ${child.exitCode}`);
    },
    async end() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** From the node to itself, to a port where nobody is. */
function sendFirst({ namespace }: ServiceNode): void {
  const { nodeIp } = NODE_NETWORK;
  const ends = { source: nodeIp, sourcePort: 1, destination: nodeIp, port: 1 };
  sendFrom(namespace, questionBytes({ ...ends, number: FIRST, protocol: 'udp', isTraced: true }), nodeIp);
}

function run(node: ServiceNode, ...command: string[]): string {
  const { status, stdout, stderr } = within(node.name, ...command);
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  return stdout;
}
