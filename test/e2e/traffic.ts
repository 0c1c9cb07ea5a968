/**
 * Running traffic between namespaces, counted exactly: pings that are answered or not, and TCP streams of numbered
 * bytes. It runs in a process of its own; times are of CLOCK_MONOTONIC, the same for all (`nowMs`).
 *
 *   await using traffic = await startTraffic();
 *   const ping = await traffic.ping(await lab.pod('alpha/web'), await lab.pod('alpha/client'));
 *   …
 *   assertNothingLost(await ping.stop());
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Ip } from '@tenet/std';
import { eventually, PATIENCE } from '../eventually.ts';

/** Every request of a ping, in the order of sending. */
export interface PingReport {
  readonly sentMs: readonly number[];
  /** When the answer to each was read; null without any. */
  readonly answeredMs: readonly (number | null)[];
}

/** One direction of a stream. */
export interface Direction {
  /** How many numbers were given to the sender's kernel. */
  readonly sent: number;
  /** When each number was read at the other end. */
  readonly arrivedMs: readonly number[];
  /** The first number that was not the next; null as long as all were. */
  readonly wrong: string | null;
}

export interface StreamReport {
  readonly forth: Direction;
  readonly back: Direction;
  /** Which end ended the connection, and why; null while it is there. */
  readonly broken: string | null;
}

/** One connection: a request by HTTP, and what became of it. */
export interface Attempt {
  readonly startMs: number;
  /** When it had an outcome; null while it has none. */
  readonly endMs: number | null;
  /** The pod that answered; null without an answer. */
  readonly pod: string | null;
  /** Why there is none; null while it may come. */
  readonly failure: string | null;
}

/** Every connection, in the order of their starts. */
export interface ConnectReport {
  readonly attempts: readonly Attempt[];
}

/** Traffic that runs. */
export interface Flow<Report> {
  /** What has become of it so far; of a ping what is on its way counts as unanswered. */
  report(): Promise<Report>;
  /** Ends it, and waits up to 3 s for what is still on its way. */
  stop(): Promise<Report>;
}

interface End {
  /** The path of its network namespace. */
  readonly netns: string;
  readonly ip: Ip;
}

export interface Traffic extends AsyncDisposable {
  /** Asks for an echo every 10 ms; resolves when the first is answered. */
  ping(from: Pick<End, 'netns'>, to: Pick<End, 'ip'>): Promise<Flow<PingReport>>;
  /** The same, without waiting for any answer. */
  pingInVain(from: Pick<End, 'netns'>, to: Pick<End, 'ip'>): Promise<Flow<PingReport>>;
  /** Sends a number every 10 ms, both ways; resolves when the first have arrived. */
  stream(from: Pick<End, 'netns'>, to: End): Promise<Flow<StreamReport>>;
  /** Connects every so often, each time anew, to whoever answers there; resolves when the first is answered. */
  connect(from: Pick<End, 'netns'>, to: ConnectTarget): Promise<Flow<ConnectReport>>;
}

/** Where connections are made to, and how often. */
interface ConnectTarget {
  readonly ip: Ip;
  readonly port: number;
  readonly everyMs: number;
}

/** What is asked of the process, by number; it answers each. */
export type Ask = { readonly call: number; readonly flow: number } & (
  | { readonly verb: 'ping'; readonly from: string; readonly to: string; readonly everyMs: number }
  | {
      readonly verb: 'stream';
      readonly from: string;
      readonly to: string;
      /** The namespace of the other end. */
      readonly at: string;
      readonly port: number;
      readonly everyMs: number;
    }
  | {
      readonly verb: 'connect';
      readonly from: string;
      readonly to: string;
      readonly port: number;
      readonly everyMs: number;
    }
  | { readonly verb: 'report' | 'stop' }
);

export interface Reply {
  readonly call: number;
  readonly report?: PingReport | StreamReport | ConnectReport;
  readonly error?: string;
}

const EVERY_MS = 10 * PATIENCE;
const FIRST_PORT = 20_000;
const START_DEADLINE_MS = 20_000;

export async function startTraffic(): Promise<Traffic> {
  const child = fork(new URL('./traffic-process.ts', import.meta.url), { execArgv: [], serialization: 'advanced' });
  await once(child, 'spawn');
  const ask = asker(child);
  let lastFlow = 0;

  async function flow<Report>(start: Starting): Promise<Flow<Report>> {
    const number = ++lastFlow;
    await ask({ flow: number, ...start });
    // Each verb has one kind of report: only this function pairs them.
    const reportOf = async (verb: 'report' | 'stop') => (await ask({ flow: number, verb })) as Report;
    return { report: () => reportOf('report'), stop: () => reportOf('stop') };
  }

  async function pingInVain(from: Pick<End, 'netns'>, to: Pick<End, 'ip'>): Promise<Flow<PingReport>> {
    return flow({ verb: 'ping', from: from.netns, to: String(to.ip), everyMs: EVERY_MS });
  }

  return {
    pingInVain,
    async ping(from, to) {
      const started = await pingInVain(from, to);
      await first(`an answer of ${to.ip}`, async () => (await started.report()).answeredMs.some((ms) => ms !== null));
      return started;
    },
    async stream(from, to) {
      const started = await flow<StreamReport>({
        verb: 'stream',
        from: from.netns,
        to: String(to.ip),
        at: to.netns,
        port: FIRST_PORT + lastFlow,
        everyMs: EVERY_MS,
      });
      await first(`a stream to ${to.ip}`, async () => {
        const { forth, back } = await started.report();
        return forth.arrivedMs.length > 0 && back.arrivedMs.length > 0;
      });
      return started;
    },
    async connect(from, { ip, port, everyMs }) {
      const started = await flow<ConnectReport>({
        verb: 'connect',
        from: from.netns,
        to: String(ip),
        port,
        everyMs: everyMs * PATIENCE,
      });
      await first(`an answer of ${ip}`, async () => (await started.report()).attempts.some(({ pod }) => pod !== null));
      return started;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}

type Starting =
  | Omit<Extract<Ask, { verb: 'connect' }>, 'call' | 'flow'>
  | Omit<Extract<Ask, { verb: 'ping' }>, 'call' | 'flow'>
  | Omit<Extract<Ask, { verb: 'stream' }>, 'call' | 'flow'>;
type Asking = { readonly flow: number } & (Starting | { readonly verb: 'report' | 'stop' });

/** Calls the process and waits for its answer; its end fails all that waits. */
function asker(child: ChildProcess): (asking: Asking) => Promise<Reply['report']> {
  const waiting = new Map<number, PromiseWithResolvers<Reply['report']>>();
  let calls = 0;
  child.on('message', ({ call, report, error }: Reply) => {
    const waiter = waiting.get(call);
    waiting.delete(call);
    if (error === undefined) waiter?.resolve(report);
    else waiter?.reject(new Error(`traffic: ${error}`));
  });
  child.on('exit', (status, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the traffic has ended with ${signal ?? status}`));
  });
  return (asking) => {
    const waiter = Promise.withResolvers<Reply['report']>();
    const call = ++calls;
    waiting.set(call, waiter);
    child.send({ call, ...asking });
    return waiter.promise;
  };
}

function first(what: string, isThere: () => Promise<boolean>): Promise<true> {
  return eventually(async () => ((await isThere()) ? true : undefined), { what, deadlineMs: START_DEADLINE_MS });
}

/** Milliseconds of CLOCK_MONOTONIC: the same in every process of this machine. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What became of a ping, in numbers. */
interface PingTally {
  readonly sent: number;
  readonly lost: number;
  /** The longest time without an answered request, by times of sending. */
  readonly longestGapMs: number;
}

function tallyOf({ sentMs, answeredMs }: PingReport): PingTally {
  const answered = sentMs.filter((_, at) => answeredMs[at] !== null);
  return { sent: sentMs.length, lost: sentMs.length - answered.length, longestGapMs: longestGapMs(answered) };
}

/** The longest time in which nothing arrived, in either direction. */
function longestStallMs({ forth, back }: StreamReport): number {
  return Math.max(longestGapMs(forth.arrivedMs), longestGapMs(back.arrivedMs));
}

/** When the first request after a moment was sent that was answered; undefined when there is none. */
export function answeredFromMs({ sentMs, answeredMs }: PingReport, afterMs: number): number | undefined {
  return sentMs.find((ms, at) => ms >= afterMs && answeredMs[at] !== null);
}

/** When the first request was sent since which none was answered; undefined while the last was. */
export function silentFromMs({ sentMs, answeredMs }: PingReport): number | undefined {
  return sentMs[answeredMs.findLastIndex((ms) => ms !== null) + 1];
}

/** A number that was answered is one that was sent: of `atLeast` requests none may be lost. */
export function assertNothingLost(report: PingReport, { name, atLeast }: Expected): void {
  const { sent, lost, longestGapMs: gapMs } = tallyOf(report);
  console.log(`#   ${name}: ${sent} pings, ${lost} lost, longest gap ${gapMs.toFixed(0)} ms`);
  assert.equal(lost, 0, `${name} lost ${lost} of ${sent}, longest gap ${gapMs.toFixed(0)} ms`);
  assert.ok(sent >= atLeast, `${name} sent only ${sent}`);
}

/** Every number has arrived, in order, both ways, on the connection that was there from the beginning. */
export function assertUnbroken(report: StreamReport, { name, atLeast }: Expected): void {
  const { forth, back, broken } = report;
  const stallMs = longestStallMs(report);
  console.log(`#   ${name}: ${forth.sent} and ${back.sent} numbers, longest stall ${stallMs.toFixed(0)} ms`);
  assert.equal(broken, null, `${name}: ${broken}`);
  for (const { sent, arrivedMs, wrong } of [forth, back]) {
    assert.equal(wrong, null, `${name}: ${wrong}`);
    assert.equal(arrivedMs.length, sent, `${name}: ${arrivedMs.length} of ${sent} numbers arrived`);
    assert.ok(sent >= atLeast, `${name} sent only ${sent}`);
  }
}

export interface Expected {
  readonly name: string;
  /** How many must have been sent for the test to mean anything. */
  readonly atLeast: number;
}

function longestGapMs(momentsMs: readonly number[]): number {
  return momentsMs.reduce((longest, ms, at) => Math.max(longest, ms - (momentsMs[at - 1] ?? ms)), 0);
}
