/** The control socket of Open vSwitch's daemons, as ovs-appctl uses it: one JSON-RPC request, text as its answer. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTenetError } from '@tenet/std';
import { ovsdbError } from './errors.ts';
import { shortJson } from './json.ts';
import { connectJsonRpc } from './json-rpc-session.ts';
import type { RequestOptions } from './within.ts';

/**
 * Runs one command, for instance `dpctl/dump-conntrack`, and answers its output. UNIXCTL_FAILED when the daemon says
 * that it failed; REQUEST_TIMED_OUT (10 s unless told), SOCKET_UNREACHABLE and so on when there is no answer.
 */
export async function unixctl(
  path: string,
  command: string,
  args: readonly string[] = [],
  options: RequestOptions = {},
): Promise<string> {
  await using session = await connectJsonRpc({ path, signal: options.signal, idleMs: Number.POSITIVE_INFINITY });
  let text: unknown;
  try {
    text = await session.request(command, args, options);
  } catch (error) {
    if (!isTenetError(error, 'REQUEST_REFUSED')) throw error;
    throw ovsdbError('UNIXCTL_FAILED', { path, command, error: String(error.facts.error).trimEnd() });
  }
  if (typeof text !== 'string')
    throw ovsdbError('RPC_MALFORMED', { path, why: 'an answer of unixctl is text', message: shortJson(text) });
  return text;
}

/** Where the running ovs-vswitchd listens: its socket carries its pid, which its pid file tells. */
export async function vswitchdCtlPath(runDirectory: string): Promise<string> {
  const pidFile = join(runDirectory, 'ovs-vswitchd.pid');
  try {
    return join(runDirectory, `ovs-vswitchd.${(await readFile(pidFile, 'utf8')).trim()}.ctl`);
  } catch (cause) {
    throw ovsdbError('SOCKET_UNREACHABLE', { path: pidFile }, cause);
  }
}
