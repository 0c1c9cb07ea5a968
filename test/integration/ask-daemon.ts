import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { PrivateNode } from './private-node.ts';

/** What a daemon answered at its metrics address. */
interface DaemonAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Asks the daemon of a node at its metrics address, which only the node's own namespace reaches. */
export async function askDaemon(
  { ovs }: PrivateNode,
  path: '/metrics' | '/healthz' | '/readyz',
): Promise<DaemonAnswer> {
  const program = `const r = await fetch('http://127.0.0.1:9101${path}');
    console.log(JSON.stringify({ status: r.status, type: r.headers.get('content-type'), body: await r.text() }))`;
  const command = [process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)('nsenter', [`--net=/run/netns/${ovs.netns}`, ...command], {
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}
