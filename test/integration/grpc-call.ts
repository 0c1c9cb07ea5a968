import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { decodeProtobuf, encodeProtobuf, type ProtobufFields } from './protobuf.ts';

/** A message of gRPC is preceded by a flag for its compression and its length. */
const PREFIX_BYTES = 5;

/** One unary gRPC call on a unix socket, as `/package.Service/Method`; rejects with what the server says is wrong. */
export async function grpcCall(socket: string, method: string, message: ProtobufFields, deadlineMs = 60_000) {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(socket) });
  try {
    const failed = once(session, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    const call = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    call.setTimeout(deadlineMs, () => call.destroy(new Error(`no answer to ${method} within ${deadlineMs} ms`)));
    let status: { code: string; message: string } | undefined;
    const note = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] === undefined) return;
      status = {
        code: String(headers['grpc-status']),
        message: decodeURIComponent(String(headers['grpc-message'] ?? '')),
      };
    };
    call.on('response', note);
    call.on('trailers', note);
    call.end(prefixed(encodeProtobuf(message)));
    const chunks: Buffer[] = [];
    call.on('data', (chunk: Buffer) => chunks.push(chunk));
    await Promise.race([once(call, 'close'), once(call, 'error').then(([error]) => Promise.reject(error)), failed]);
    if (status?.code !== '0') throw new Error(`${method}: ${status?.message ?? 'no status'} (${status?.code})`);
    return decodeProtobuf(Buffer.concat(chunks).subarray(PREFIX_BYTES));
  } finally {
    session.destroy();
  }
}

function prefixed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
