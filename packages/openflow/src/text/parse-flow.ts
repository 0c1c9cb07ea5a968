import { DEFAULT_PRIORITY, type Flow, type FlowStats } from '../flow.ts';
import { protocolOf } from './field-names.ts';
import { FLOW_FLAGS } from './flow-flags.ts';
import { parseCount, parseNumber } from './number-text.ts';
import { parseActions } from './parse-actions.ts';
import { parseMatch } from './parse-match.ts';
import { Piece } from './piece.ts';
import { parseTable } from './table-text.ts';

export interface FlowTextOptions {
  /** Port numbers by name, for text written with `--names`. */
  readonly ports?: ReadonlyMap<string, number>;
  /** Table numbers by name. */
  readonly tables?: ReadonlyMap<string, number>;
}

/**
 * Reads one flow: what `ovs-ofctl dump-flows` prints (Open vSwitch 2.5 to 3.5) and what `ovs-ofctl add-flow` accepts.
 * The match is canonical. Throws FLOW_TEXT_MALFORMED, FLOW_FIELD_UNKNOWN or FLOW_ACTION_UNKNOWN with the column;
 * nothing is skipped that might change what the flow does.
 */
export function parseFlow(text: string, { ports, tables }: FlowTextOptions = {}): Flow {
  const line = new Piece(text).cut(0);
  const actionsAt = /(^|[\s,])actions?\s*=/.exec(line.text);
  if (actionsAt === null) return line.cut(line.text.length).fail('actions=');
  const attributes = new Attributes(tables);
  const fields: Piece[] = [];
  for (const piece of line.cut(0, actionsAt.index).split(/[,\s]/)) {
    if (!attributes.take(piece)) fields.push(piece);
  }
  const match = parseMatch(fields, ports);
  const actions = parseActions(line.cut(actionsAt.index + actionsAt[0].length), {
    protocol: protocolOf(match),
    tagged: ((match.vlan_tci?.value ?? 0n) & 0x1000n) !== 0n,
    ports,
    tables,
    depth: 0,
  });
  return { ...attributes.flow(), match, actions };
}

/** Everything that stands beside the match. */
class Attributes {
  readonly #tables: ReadonlyMap<string, number> | undefined;
  readonly #seen = new Map<string, Piece>();

  constructor(tables: ReadonlyMap<string, number> | undefined) {
    this.#tables = tables;
  }

  /** True when the piece is one of ours. */
  take(piece: Piece): boolean {
    const [name, value] = piece.halves('=') ?? [piece, undefined];
    if (value === undefined ? !FLOW_FLAGS.has(name.text) : !ATTRIBUTES.has(name.text)) return false;
    if (this.#seen.has(name.text)) piece.fail(`${name.text} once`);
    this.#seen.set(name.text, value ?? name);
    return true;
  }

  flow(): Omit<Flow, 'match' | 'actions'> {
    const flags = [...FLOW_FLAGS].reduce((sum, [name, bit]) => (this.#seen.has(name) ? sum | bit : sum), 0);
    const idleTimeoutS = this.#count('idle_timeout', 16) ?? 0;
    const hardTimeoutS = this.#count('hard_timeout', 16) ?? 0;
    const importance = this.#count('importance', 16) ?? 0;
    const stats = this.#stats();
    return {
      table: this.#table(),
      priority: this.#count('priority', 16) ?? DEFAULT_PRIORITY,
      cookie: this.#number('cookie', 64) ?? 0n,
      ...(idleTimeoutS === 0 ? {} : { idleTimeoutS }),
      ...(hardTimeoutS === 0 ? {} : { hardTimeoutS }),
      ...(flags === 0 ? {} : { flags }),
      ...(importance === 0 ? {} : { importance }),
      ...(stats === undefined ? {} : { stats }),
    };
  }

  #table(): number {
    const piece = this.#seen.get('table');
    return piece === undefined ? 0 : parseTable(piece, this.#tables);
  }

  #stats(): FlowStats | undefined {
    if (![...STATISTICS].some((name) => this.#seen.has(name))) return undefined;
    const idleAgeS = this.#count('idle_age', 32);
    const hardAgeS = this.#count('hard_age', 32);
    const duration = this.#seen.get('duration');
    return {
      durationMs: duration === undefined ? 0 : parseDuration(duration),
      packets: this.#number('n_packets', 64) ?? 0n,
      bytes: this.#number('n_bytes', 64) ?? 0n,
      ...(idleAgeS === undefined ? {} : { idleAgeS }),
      ...(hardAgeS === undefined ? {} : { hardAgeS }),
    };
  }

  #number(name: string, bits: number): bigint | undefined {
    const piece = this.#seen.get(name);
    return piece === undefined ? undefined : parseNumber(piece, bits);
  }

  #count(name: string, bits: number): number | undefined {
    const piece = this.#seen.get(name);
    return piece === undefined ? undefined : parseCount(piece, bits);
  }
}

const STATISTICS: ReadonlySet<string> = new Set(['duration', 'n_packets', 'n_bytes', 'idle_age', 'hard_age']);
const ATTRIBUTES: ReadonlySet<string> = new Set([
  ...STATISTICS,
  ...['cookie', 'table', 'priority', 'idle_timeout', 'hard_timeout', 'importance'],
]);

/** Reads `444.379s` in milliseconds; a fraction of one is kept. */
function parseDuration(piece: Piece): number {
  const [, seconds = '', fraction = ''] = /^(\d{1,10})(?:\.(\d{1,9}))?s$/.exec(piece.text) ?? [];
  if (seconds === '') piece.fail('seconds, such as 12.345s');
  return Number(seconds) * 1000 + Number(fraction.padEnd(9, '0')) / 1_000_000;
}
