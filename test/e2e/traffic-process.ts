/**
 * The process behind `traffic.ts`: sends and counts, away from the event loop of the test, which is busy with other
 * things. It is asked by messages and ends with whoever started it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { listenTcp, ProbeSocket } from '@tenet/host';
import { probeTcp } from '@tenet/lab';
import { echoReplyOf, echoRequest, Ip } from '@tenet/std';
import type { Ask, Attempt, ConnectReport, Direction, PingReport, Reply, StreamReport } from './traffic.ts';

/** An answer later than that is none. */
const ANSWER_DEADLINE_MS = 3000;

type Report = PingReport | StreamReport | ConnectReport;

interface Flow {
  report(): Report;
  /** Sends no more, and waits for what is on its way; the last report. */
  stop(): Promise<Report>;
}

const flows = new Map<number, Flow>();

process.on('message', (ask: Ask) => {
  void answer(ask).then(
    (report) => send({ call: ask.call, ...(report === undefined ? {} : { report }) }),
    (error: unknown) => send({ call: ask.call, error: error instanceof Error ? `${error.stack}` : String(error) }),
  );
});
process.on('disconnect', () => process.exit());

function send(reply: Reply): void {
  process.send?.(reply);
}

async function answer(ask: Ask): Promise<Report | undefined> {
  switch (ask.verb) {
    case 'ping':
      flows.set(ask.flow, startPing(ask));
      return undefined;
    case 'stream':
      flows.set(ask.flow, await startStream(ask));
      return undefined;
    case 'connect':
      flows.set(ask.flow, startConnecting(ask));
      return undefined;
    case 'report':
      return flowOf(ask.flow).report();
    case 'stop':
      return flowOf(ask.flow).stop();
  }
}

function flowOf(number: number): Flow {
  const flow = flows.get(number);
  if (flow === undefined) throw new RangeError(`there is no flow ${number}`);
  return flow;
}

/** Milliseconds of CLOCK_MONOTONIC: the same in every process of this machine. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function startPing({ flow, from, to, everyMs }: Extract<Ask, { verb: 'ping' }>): Flow {
  const opened = ProbeSocket.open({ protocol: 'icmp', namespace: from, to: Ip.parse(to), port: 0 });
  if (!(opened instanceof ProbeSocket)) throw new Error(`no socket to ${to}: ${opened.errno}`);
  const socket = opened;
  const identifier = (process.pid + flow) & 0xffff;
  const sentMs: number[] = [];
  const answeredMs: (number | null)[] = [];

  function hear(): void {
    for (;;) {
      const came = socket.receive();
      if (came.kind === 'nothing') return;
      // What a router says of one packet is told once, and the packet stays unanswered.
      if (came.kind === 'error') continue;
      const reply = echoReplyOf(came.bytes);
      if (reply?.identifier === identifier && answeredMs[reply.sequence] === null) answeredMs[reply.sequence] = nowMs();
    }
  }

  function ask(): void {
    const sequence = sentMs.length;
    if (sequence > 0xffff) throw new RangeError('a sequence number has 16 bits (RFC 792)');
    sentMs.push(nowMs());
    answeredMs.push(null);
    const request = echoRequest({ identifier, sequence });
    // An error that was pending is told instead of sending (raw(7)): then it is sent at the second try.
    if (socket.send(request).kind === 'error') socket.send(request);
  }

  const timer = setInterval(() => {
    hear();
    ask();
  }, everyMs);
  ask();
  return {
    report() {
      hear();
      return { sentMs, answeredMs };
    },
    async stop() {
      clearInterval(timer);
      const endMs = nowMs() + ANSWER_DEADLINE_MS;
      for (hear(); answeredMs.includes(null) && nowMs() < endMs; hear()) await pause(everyMs);
      socket[Symbol.dispose]();
      return { sentMs, answeredMs };
    },
  };
}

/** A new connection at each tick, whatever has become of those before. */
function startConnecting({ from, to, port, everyMs }: Extract<Ask, { verb: 'connect' }>): Flow {
  const attempts: Attempt[] = [];
  const target = { namespace: from, to: Ip.parse(to), port, timeoutMs: ANSWER_DEADLINE_MS };
  const pending = new Set<Promise<void>>();

  async function connect(): Promise<void> {
    const at = attempts.length;
    const startMs = nowMs();
    attempts.push({ startMs, endMs: null, pod: null, failure: null });
    const outcome = await probeTcp(target);
    const isAnswered = outcome.outcome === 'answered';
    attempts[at] = {
      startMs,
      endMs: nowMs(),
      pod: isAnswered ? outcome.answer.pod : null,
      failure: isAnswered ? null : JSON.stringify(outcome),
    };
  }

  const timer = setInterval(() => {
    const attempt = connect().finally(() => pending.delete(attempt));
    pending.add(attempt);
  }, everyMs);
  return {
    report: () => ({ attempts }),
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      return { attempts };
    },
  };
}

/** Both ends of one TCP connection; each sends the numbers from 0 on, four bytes each, and checks those of the other. */
async function startStream({ from, to, at, port, everyMs }: Extract<Ask, { verb: 'stream' }>): Promise<Flow> {
  const forth = new Numbers();
  const back = new Numbers();
  let broken: string | null = null;
  let accepted: Socket | undefined;
  const server: Server = createServer((socket) => {
    accepted = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => forth.receive(bytes));
    socket.on('error', (error) => {
      broken ??= `server: ${error.message}`;
    });
    socket.on('end', () => {
      broken ??= 'server: the client has ended the stream';
    });
  });
  server.listen({ fd: listenTcp({ namespace: at, address: Ip.parse('0.0.0.0'), port }) });
  const opened = ProbeSocket.open({ protocol: 'tcp', namespace: from, to: Ip.parse(to), port });
  if (!(opened instanceof ProbeSocket)) throw new Error(`no connection to ${to}: ${opened.errno}`);
  const client = opened;

  function hear(): void {
    for (;;) {
      const came = client.receive();
      if (came.kind === 'nothing') return;
      if (came.kind === 'bytes' && came.bytes.length > 0) {
        back.receive(came.bytes);
        continue;
      }
      broken ??= `client: ${came.kind === 'error' ? came.errno : 'the server has ended the stream'}`;
      return;
    }
  }

  function talk(): void {
    hear();
    if (broken !== null) return;
    const sent = client.send(forth.next());
    if (sent.kind === 'bytes') forth.isSent();
    if (sent.kind === 'error') broken = `client: ${sent.errno}`;
    accepted?.write(back.next());
    if (accepted !== undefined) back.isSent();
  }

  const report = () => ({ forth: forth.report(), back: back.report(), broken });
  const timer = setInterval(talk, everyMs);
  return {
    report() {
      hear();
      return report();
    },
    async stop() {
      clearInterval(timer);
      const endMs = nowMs() + ANSWER_DEADLINE_MS;
      const isMissing = () => forth.isMissing || back.isMissing;
      for (hear(); broken === null && isMissing() && nowMs() < endMs; hear()) await pause(everyMs);
      client[Symbol.dispose]();
      accepted?.destroy();
      server.close();
      return report();
    },
  };
}

/** Numbers that are sent in order by one end, and checked at the other. */
class Numbers {
  #sent = 0;
  #rest: Uint8Array = new Uint8Array(0);
  readonly #arrivedMs: number[] = [];
  #wrong: string | null = null;

  next(): Uint8Array {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#sent);
    return bytes;
  }

  isSent(): void {
    this.#sent++;
  }

  get isMissing(): boolean {
    return this.#arrivedMs.length < this.#sent;
  }

  receive(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (; at + 4 <= all.length; at += 4) {
      const number = all.readUInt32BE(at);
      if (number !== this.#arrivedMs.length) this.#wrong ??= `${number} came instead of ${this.#arrivedMs.length}`;
      this.#arrivedMs.push(nowMs());
    }
    this.#rest = all.subarray(at);
  }

  report(): Direction {
    return { sent: this.#sent, arrivedMs: this.#arrivedMs, wrong: this.#wrong };
  }
}
