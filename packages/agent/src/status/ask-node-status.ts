import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { failAgent } from '../errors.ts';
import { NODE_STATUS, type NodeStatus, STATUS_PATH } from './node-status.ts';

/** The daemon itself gives a switch that hangs less. */
const ANSWER_DEADLINE_MS = 5_000;

/** What connect(2) says when there is nobody. */
const NOBODY: readonly string[] = ['ENOENT', 'ECONNREFUSED'];

/** Asks the daemon at this socket. DAEMON_NOT_RUNNING when nobody answers, STATUS_UNREADABLE for any other failure. */
export async function askNodeStatus(socket: string): Promise<NodeStatus> {
  const { status, body } = await ask(socket);
  if (status !== 200) failAgent('STATUS_UNREADABLE', { socket, problem: `HTTP status ${status}: ${body}` });
  const result = NODE_STATUS.safeParse(jsonOf(body));
  if (result.success) return result.data;
  const problem = result.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; ');
  return failAgent('STATUS_UNREADABLE', { socket, problem });
}

async function ask(socket: string): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const answer = Promise.withResolvers<{ status: number | undefined; body: string }>();
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MS);
  request({ socketPath: socket, path: STATUS_PATH, signal }, (response) => {
    text(response).then((body) => answer.resolve({ status: response.statusCode, body }), answer.reject);
  })
    .on('error', answer.reject)
    .end();
  try {
    return await answer.promise;
  } catch (error) {
    if (NOBODY.includes(codeOf(error))) return failAgent('DAEMON_NOT_RUNNING', { socket }, error);
    const problem = signal.aborted ? `no answer within ${ANSWER_DEADLINE_MS} ms` : codeOf(error);
    return failAgent('STATUS_UNREADABLE', { socket, problem }, error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
