/** Asks for all cells of a truth table at the same time, and says which became of them what must not. */
import { type Outcome, probeTcp, probeUdp, type ServiceOutcome } from '@tenet/lab';
import { PATIENCE } from '../eventually.ts';
import type { Cell } from './truth-table.ts';

/** How many at a time: more wait for each other. */
const AT_ONCE = 48;
/** For an answer that has to come. */
const REPLY_MS = 4000 * PATIENCE;
/** For one that must not: shorter than TCP takes to send its first segment again (RFC 6298 §2.1), so each sends one packet. */
const SILENCE_MS = 700;

/** Sends a request for each cell; the sentences that say what went wrong. */
export async function askCells(cells: readonly Cell[]): Promise<string[]> {
  const wrong: string[] = [];
  const rest = [...cells];
  const worker = async () => {
    for (let cell = rest.shift(); cell !== undefined; cell = rest.shift()) {
      const outcome = await ask(cell);
      if (!cell.expected.some((expected) => isAs(expected, outcome, cell)))
        wrong.push(`${nameOf(cell)}: ${wordsOf(outcome)}, not ${cell.expected.map(expectedWords).join(' or ')}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return wrong;
}

/** True when something is to come back. */
export function isAnswered({ expected }: Cell): boolean {
  return expected.every(({ kind }) => kind === 'reaches' || kind === 'refused');
}

function ask(cell: Cell): Promise<Outcome> {
  const timeoutMs = isAnswered(cell) ? REPLY_MS : SILENCE_MS;
  const target = { namespace: cell.from.namespace, to: cell.to, port: cell.port, timeoutMs };
  return cell.protocol === 'TCP' ? probeTcp(target) : probeUdp(target);
}

/** "No such port": by ICMP or a reset. A node's own rules say it to its own datagrams at once, as they are sent. */
export function isRefused(outcome: Outcome, { kind }: Pick<Cell['from'], 'kind'>): boolean {
  const isOwn = kind === 'node' && outcome.outcome === 'unreachable' && outcome.errno === 'EPERM';
  return outcome.outcome === 'refused' || isOwn;
}

function isAs(expected: ServiceOutcome, outcome: Outcome, { from }: Cell): boolean {
  switch (expected.kind) {
    case 'reaches':
      return (
        outcome.outcome === 'answered' &&
        outcome.answer.pod === expected.pod.name &&
        outcome.answer.client === expected.client.toString()
      );
    case 'refused':
      return isRefused(outcome, from);
    case 'dropped':
    case 'guarded':
    case 'ignored':
      return outcome.outcome === 'timeout';
  }
}

function nameOf({ from, service, where, protocol }: Cell): string {
  return `${from.name} → ${service.made.name} (${service.externalTrafficPolicy}) at its ${where} by ${protocol}`;
}

function wordsOf(outcome: Outcome): string {
  return outcome.outcome === 'answered'
    ? `${outcome.answer.pod} saw ${outcome.answer.client}`
    : JSON.stringify(outcome);
}

function expectedWords(expected: ServiceOutcome): string {
  switch (expected.kind) {
    case 'reaches':
      return `${expected.pod.name} sees ${expected.client}`;
    case 'dropped':
    case 'guarded':
      return `${expected.kind} by ${expected.by.name} as ${expected.as}`;
    case 'refused':
    case 'ignored':
      return expected.kind;
  }
}
