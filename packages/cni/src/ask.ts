import { request } from 'node:http';

/** A little more than the daemon allows itself for one call, so that its own sentence arrives. */
const DEADLINE_MS = 40_000;

/** Sends a call to the daemon and resolves with the text of its answer; rejects when there is no daemon. */
export function ask(socket: string, call: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(call);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asking = request({ socketPath: socket, path: '/cni', method: 'POST', headers, timeout: DEADLINE_MS });
    asking.on('timeout', () => asking.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)));
    asking.on('error', reject);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`it answered ${response.statusCode}: ${text}`)),
      );
      response.on('error', reject);
    });
    asking.end(body);
  });
}
