import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { iptablesSave, Netlink } from '@tenet/host';
import { openLab } from '@tenet/lab';
import type { PrivateLab } from '../e2e/private-lab.ts';
import { differ } from './node-leftovers.ts';

const run = promisify(execFile);

/** All that a lab has on the machine, in words, by kind: with the same pods it must be the same before and after. */
export type Inventory = ReadonlyMap<string, readonly string[]>;

/** Tables of the switch's database whose rows the agent makes or causes. */
const OVSDB_TABLES = [
  'Bridge',
  'Port',
  'Interface',
  'Datapath',
  'CT_Zone',
  'CT_Timeout_Policy',
  'Mirror',
  'QoS',
  'Queue',
];

export async function takeInventory(lab: PrivateLab, nodes: readonly string[]): Promise<Inventory> {
  const inventory = new Map<string, readonly string[]>([
    ['namespace', readdirSync('/run/netns').filter((name) => name.includes(lab.paths.id))],
    [
      'mount',
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .flatMap((line) => mountPoint(line, lab.paths.id)),
    ],
    ['file', filesUnder(lab.paths.state)],
    ['process', processesOf(lab)],
  ]);
  for (const node of nodes) {
    using netlink = Netlink.open(lab.paths.namespace(node));
    inventory.set(
      `${node}: link`,
      netlink.links().map(({ name, up, mtu }) => `${name} ${up ? 'up' : 'down'} MTU ${mtu}`),
    );
    inventory.set(
      `${node}: address`,
      netlink
        .addresses()
        .filter(({ address }) => address.family === 4)
        .map(({ link, address, prefixLength }) => `${address}/${prefixLength} on ${link}`),
    );
    inventory.set(
      `${node}: route`,
      netlink
        .routes({ family: 4 })
        .map(({ destination, link, gateway, table }) => `${destination} ${gateway ?? ''} ${link} ${table}`),
    );
    for (const variant of ['nft', 'legacy'] as const)
      inventory.set(`${node}: ${variant} rule`, await rulesOf(lab.paths.namespace(node), variant));
    for (const table of OVSDB_TABLES) inventory.set(`${node}: row of ${table}`, await rowsOf(lab, node, table));
  }
  return inventory;
}

/** Every difference, as a sentence. */
export function compareInventories(before: Inventory, now: Inventory): string[] {
  return [...new Set([...before.keys(), ...now.keys()])].flatMap((kind) =>
    differ(kind, now.get(kind) ?? [], before.get(kind) ?? []),
  );
}

function mountPoint(line: string, id: string): string[] {
  const point = line.split(' ')[4] ?? '';
  return point.includes(id) ? [point] : [];
}

/** The files of a directory, but for pods' own state, which is compared with the pods. */
function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [] : [relative(directory, `${entry.parentPath}${sep}${entry.name}`)],
  );
}

/** The command lines of all processes that bear the lab's token, or run in one of its namespaces. */
function processesOf(lab: PrivateLab): string[] {
  const { token } = openLab(lab.paths.state).settings;
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').includes(token)) return [];
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()].filter((line) => line !== '');
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

/** Rules and chains, without the comments and counters that every dump has anew. */
async function rulesOf(namespace: string, variant: 'nft' | 'legacy'): Promise<string[]> {
  let table = '';
  return (await iptablesSave({ variant, namespace })).split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    return /^(-A|:)/.test(line) ? [`${table} ${line.replace(/ \[\d+:\d+\]$/, '')}`] : [];
  });
}

async function rowsOf(lab: PrivateLab, node: string, table: string): Promise<string[]> {
  const database = `--db=unix:${lab.paths.node(node).databaseSocket}`;
  const named = ['Bridge', 'Port', 'Interface', 'Mirror'].includes(table);
  const columns = named ? ['--columns=name'] : ['--columns=_uuid'];
  const { stdout } = await run('ovs-vsctl', [database, '--bare', ...columns, 'list', table]);
  const rows = stdout.split('\n').filter((line) => line !== '');
  // Rows without a name are counted: the agent may make them anew.
  return named ? rows : rows.map((_, at) => `number ${at + 1}`);
}
