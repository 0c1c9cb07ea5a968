import { type Action, MAX_ACTION_DEPTH } from '../action.ts';
import { PORT } from '../flow.ts';
import type { ActionContext } from './action-context.ts';
import { parseNote } from './note-text.ts';
import { parseCount, parseNumber } from './number-text.ts';
import { parseController } from './parse-controller.ts';
import { parseCt } from './parse-ct.ts';
import { LEGACY_SETTERS, parseLoad, parseMove, parseSetField } from './parse-setters.ts';
import type { Piece } from './piece.ts';
import { parsePort, portOf } from './port-text.ts';
import { parseSubfield } from './subfield-text.ts';
import { parseTable } from './table-text.ts';

/** Reads a list of actions and instructions, in the order written; `drop` alone is the empty list. */
export function parseActions(piece: Piece, context: ActionContext): readonly Action[] {
  if (context.depth > MAX_ACTION_DEPTH) piece.fail(`lists of actions nested at most ${MAX_ACTION_DEPTH} deep`);
  const parts = piece.split(/[,\s]/);
  const drop = parts.find(({ text }) => text === 'drop');
  if (drop !== undefined) return parts.length === 1 ? [] : drop.fail('drop alone, or other actions without it');
  return parts.flatMap((part) => parseAction(part, context));
}

/** Reads one action; none at all for one that has no effect. */
function parseAction(piece: Piece, context: ActionContext): readonly Action[] {
  const [, name = '', bracket] = /^([A-Za-z_]\w*)\s*([:(]?)/.exec(piece.text) ?? [];
  const argument = argumentOf(piece, name, bracket);
  const parse = Object.hasOwn(PARSERS, name.toLowerCase()) ? PARSERS[name.toLowerCase()] : undefined;
  if (parse !== undefined) {
    const action = parse({ piece, argument, bracketed: bracket === '(', context });
    return action === undefined ? [] : [action];
  }
  const port = portOf(piece, context.ports);
  if (port !== undefined) return [{ kind: 'output', port }];
  return (name === '' ? piece : piece.cut(0, name.length)).fail('an action', 'FLOW_ACTION_UNKNOWN');
}

/** What stands behind `name:` or inside `name(…)`; nothing behind a bare name. */
function argumentOf(piece: Piece, name: string, bracket: string | undefined): Piece {
  const open = bracket === '' || bracket === undefined ? piece.text.length : piece.text.indexOf(bracket, name.length);
  if (bracket !== '(') return piece.cut(Math.min(open + 1, piece.text.length));
  if (!piece.text.endsWith(')')) piece.cut(piece.text.length).fail('a closing parenthesis');
  return piece.cut(open + 1, piece.text.length - 1);
}

interface Written {
  /** The whole action. */
  readonly piece: Piece;
  readonly argument: Piece;
  readonly bracketed: boolean;
  readonly context: ActionContext;
}

type ActionParser = (written: Written) => Action | undefined;

const PARSERS: Readonly<Record<string, ActionParser>> = {
  output: parseOutput,
  controller: ({ argument, bracketed }) => parseController(argument, bracketed),
  group: ({ argument }) => ({ kind: 'group', group: parseCount(argument, 32, 'a group number') }),
  resubmit: parseResubmit,
  load: ({ argument, context }) => parseLoad(argument, context.protocol),
  move: ({ argument, context }) => parseMove(argument, context.protocol),
  set_field: ({ argument, context }) => parseSetField(argument, context.protocol, context.ports),
  ct: ({ argument, context }) => parseCt(argument, context, nested),
  ct_clear: bare({ kind: 'ct_clear' }),
  note: ({ argument }) => ({ kind: 'note', bytes: parseNote(argument) }),
  conjunction: ({ argument }) => parseConjunction(argument),
  clone: ({ argument, context }) => ({ kind: 'clone', actions: nested(argument, context) }),
  dec_ttl: bare({ kind: 'dec_ttl' }),
  push_vlan: ({ argument }) => ({ kind: 'push_vlan', ethType: parseCount(argument, 16, 'an Ethernet type') }),
  pop_vlan: bare({ kind: 'pop_vlan' }),
  strip_vlan: bare({ kind: 'pop_vlan' }),
  meter: ({ argument }) => ({ kind: 'meter', meter: parseCount(argument, 32, 'a meter number') }),
  write_actions: ({ argument, context }) => {
    const actions = nested(argument, context);
    // The switch keeps no instruction that adds nothing to the action set.
    return actions.length === 0 ? undefined : { kind: 'write_actions', actions };
  },
  clear_actions: bare({ kind: 'clear_actions' }),
  write_metadata: ({ argument }) => parseWriteMetadata(argument),
  goto_table: ({ argument, context }) => ({ kind: 'goto_table', table: parseTable(argument, context.tables) }),
  ...Object.fromEntries(
    Object.entries(LEGACY_SETTERS).map(([name, parse]): [string, ActionParser] => [
      name,
      ({ piece, argument, context }) => parse(piece, argument, context),
    ]),
  ),
};

/** An action that takes no argument. */
function bare(action: Action): ActionParser {
  return ({ piece, argument }) => (argument.text === '' ? action : piece.fail('an action', 'FLOW_ACTION_UNKNOWN'));
}

function nested(argument: Piece, context: ActionContext): readonly Action[] {
  return parseActions(argument, { ...context, depth: context.depth + 1 });
}

function parseOutput({ argument, bracketed, context }: Written): Action {
  if (bracketed) {
    let port: number | undefined;
    let maxLen: number | undefined;
    for (const part of argument.split(/[,\s]/)) {
      const [name, value] = part.halves('=') ?? part.fail('port= or max_len=');
      if (name.text === 'port') port = parsePort(value, context.ports);
      else if (name.text === 'max_len') maxLen = parseCount(value, 16);
      else name.fail('port= or max_len=');
    }
    if (port === undefined || maxLen === undefined) return argument.fail('port= and max_len=');
    return { kind: 'output', port, maxLen };
  }
  const port = portOf(argument, context.ports);
  if (port === undefined) return { kind: 'output_reg', src: parseSubfield(argument, context.protocol) };
  return port === PORT.CONTROLLER ? { kind: 'output', port, maxLen: 0xffff } : { kind: 'output', port };
}

function parseResubmit({ argument, bracketed, context }: Written): Action {
  if (!bracketed) return { kind: 'resubmit', inPort: resubmitPort(argument, context) ?? needsPlace(argument) };
  const parts = argument.text.split(',');
  let at = 0;
  const pieces = parts.map((part) => {
    const cut = argument.cut(at, at + part.length);
    at += part.length + 1;
    return cut;
  });
  const [first = argument, second, third, ...more] = pieces;
  if (more.length > 0 || (third !== undefined && third.text !== 'ct')) argument.fail('(port,table) or (port,table,ct)');
  const inPort = first.text === '' ? undefined : resubmitPort(first, context);
  // Table 255 means: the one that the flow is in.
  const isSame = second === undefined || /^(255|0xff)?$/i.test(second.text);
  const table = isSame ? undefined : parseTable(second, context.tables);
  if (inPort === undefined && table === undefined) needsPlace(argument);
  return {
    kind: 'resubmit',
    ...(inPort === undefined ? {} : { inPort }),
    ...(table === undefined ? {} : { table }),
    ...(third === undefined ? {} : { ct: true }),
  };
}

function needsPlace(piece: Piece): never {
  return piece.fail('a port or a table to look the packet up in');
}

/** The port, or undefined for the packet's own. */
function resubmitPort(piece: Piece, { ports }: ActionContext): number | undefined {
  const port = parsePort(piece, ports);
  return port === PORT.IN_PORT ? undefined : port;
}

function parseConjunction(argument: Piece): Action {
  const [, id, clause, of] = /^(\S+?)\s*,\s*(\d{1,2})\s*\/\s*(\d{1,2})$/.exec(argument.text) ?? [];
  const wanted = 'an id and a clause of at most 64, such as 5,1/2';
  if (id === undefined || Number(of) < 2 || Number(of) > 64 || Number(clause) < 1 || Number(clause) > Number(of)) {
    return argument.fail(wanted);
  }
  const number = parseCount(argument.cut(0, id.length), 32, wanted);
  return { kind: 'conjunction', id: number, clause: Number(clause), of: Number(of) };
}

function parseWriteMetadata(argument: Piece): Action {
  const [value, mask] = argument.halves('/') ?? [argument, undefined];
  const bits = parseNumber(mask ?? value, 64);
  if (mask === undefined || bits === 2n ** 64n - 1n) return { kind: 'write_metadata', value: parseNumber(value, 64) };
  return { kind: 'write_metadata', value: parseNumber(value, 64) & bits, mask: bits };
}
