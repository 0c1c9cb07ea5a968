/** The same services laid out as others do: everything in one restore, and nft with chains for each service. */
import { execFile } from 'node:child_process';
import { iptablesSave } from '@tenet/host';
import { type BenchNode, SERVER_PORT } from './bench-node.ts';
import { clusterIpOf, SERVICE_PORT, slice } from './bench-services.ts';

export interface LayoutTimes {
  readonly firstMs: number;
  readonly changeMs: number;
}

/** A proxy that has no increments: each change, the first sync too, is one `iptables-restore` of all that is there. */
export async function oneRestore(synced: BenchNode, empty: BenchNode): Promise<LayoutTimes> {
  const all = await iptablesSave({ namespace: synced.namespace, deadlineMs: 60_000 });
  const restore = () => timed(empty, ['iptables-nft-restore'], all);
  const firstMs = await restore();
  return { firstMs, changeMs: await restore() };
}

/** A chain for each service and one for each endpoint, found by a map: undefined when it takes longer than a minute. */
export async function chainPerService(node: BenchNode, count: number): Promise<LayoutTimes | undefined> {
  const services = Array.from({ length: count }, (_, number) => chainsOf(number, count));
  const elements = Array.from(
    { length: count },
    (_, number) => `${clusterIpOf(number)} . tcp . ${SERVICE_PORT} : goto service-${number}`,
  );
  const first = [
    'table ip peer {',
    'map services { type ipv4_addr . inet_proto . inet_service : verdict; }',
    ...services,
    'chain prerouting { type nat hook prerouting priority dstnat; ip daddr . meta l4proto . th dport vmap @services; }',
    '}',
    `add element ip peer services { ${elements.join(', ')} }`,
  ];
  try {
    const firstMs = await timed(node, ['nft', '-f', '-'], `${first.join('\n')}\n`);
    const number = Math.floor(count / 2);
    const change = `flush chain ip peer endpoint-${number}-1\nadd rule ip peer endpoint-${number}-1 meta l4proto tcp dnat to 10.131.255.1:${SERVER_PORT}\n`;
    return { firstMs, changeMs: await timed(node, ['nft', '-f', '-'], change) };
  } catch (error) {
    if (error instanceof Error && 'killed' in error && error.killed === true) return undefined;
    throw error;
  }
}

function chainsOf(number: number, count: number): string {
  const { endpoints } = slice(number, count);
  const chains = endpoints.map(
    ({ ip }, at) => `chain endpoint-${number}-${at} { meta l4proto tcp dnat to ${ip}:${SERVER_PORT}; }`,
  );
  const choice = endpoints.map((_, at) => `${at} : goto endpoint-${number}-${at}`).join(', ');
  return [...chains, `chain service-${number} { numgen random mod ${endpoints.length} vmap { ${choice} }; }`].join(
    '\n',
  );
}

/** Milliseconds of a program in the node's namespace; it is killed after a minute. */
async function timed({ namespace }: BenchNode, command: readonly string[], input: string): Promise<number> {
  const startMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const options = { timeout: 60_000, maxBuffer: 1 << 26 };
    const child = execFile('nsenter', [`--net=${namespace}`, '--', ...command], options, (error) =>
      error === null ? resolve() : reject(error),
    );
    child.stdin?.end(input);
  });
  return performance.now() - startMs;
}
