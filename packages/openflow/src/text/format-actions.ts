import type { Action } from '../action.ts';
import type { FieldName } from '../fields.ts';
import { PORT } from '../flow.ts';
import { formatBytes } from './bytes-text.ts';
import { formatCt } from './format-ct.ts';
import type { MatchTextOptions } from './format-match.ts';
import { formatNote } from './note-text.ts';
import { formatHex } from './number-text.ts';
import { CONTROLLER_DEFAULT, CONTROLLER_REASONS } from './parse-controller.ts';
import { formatPort } from './port-text.ts';
import { formatSubfield } from './subfield-text.ts';
import { formatTable } from './table-text.ts';
import { formatFieldValue } from './value-text.ts';

export interface ActionTextOptions extends MatchTextOptions {
  /** Names to write for table numbers. */
  readonly tableNames?: ReadonlyMap<number, string>;
}

/** The text of a list of actions as `ovs-ofctl dump-flows` of Open vSwitch 3.1 writes it; `drop` when there is none. */
export function formatActions(actions: readonly Action[], options: ActionTextOptions = {}): string {
  return actions.length === 0 ? 'drop' : actions.map((action) => formatAction(action, options)).join(',');
}

function formatAction(action: Action, options: ActionTextOptions): string {
  const nested = (actions: readonly Action[]) => formatActions(actions, options);
  switch (action.kind) {
    case 'output':
      return formatOutput(action, options);
    case 'output_reg':
      return `output:${formatSubfield(action.src)}`;
    case 'group':
      return `group:${action.group}`;
    case 'controller':
      return formatController(action);
    case 'resubmit':
      return formatResubmit(action, options);
    case 'load':
      return `load:${formatHex(action.value)}->${formatSubfield(action.dst)}`;
    case 'move':
      return `move:${formatSubfield(action.src)}->${formatSubfield(action.dst)}`;
    case 'set_field':
      return `set_field:${formatFieldValue(action.field, action, options.portNames)}->${SET_NAMES[action.field] ?? action.field}`;
    case 'ct':
      return formatCt(action, nested, (table) => formatTable(table, options.tableNames));
    case 'note':
      return `note:${formatNote(action.bytes)}`;
    case 'conjunction':
      return `conjunction(${action.id},${action.clause}/${action.of})`;
    case 'clone':
      return `clone(${nested(action.actions)})`;
    case 'push_vlan':
      return `push_vlan:0x${action.ethType.toString(16).padStart(4, '0')}`;
    case 'meter':
      return `meter:${action.meter}`;
    case 'write_actions':
      return `write_actions(${nested(action.actions)})`;
    case 'write_metadata':
      return `write_metadata:${formatHex(action.value)}${action.mask === undefined ? '' : `/${formatHex(action.mask)}`}`;
    case 'goto_table':
      return `goto_table:${formatTable(action.table, options.tableNames)}`;
    case 'ct_clear':
    case 'dec_ttl':
    case 'pop_vlan':
    case 'clear_actions':
      return action.kind;
  }
}

/** Fields that set_field names otherwise than we do. */
const SET_NAMES: Readonly<Partial<Record<FieldName, string>>> = { ip_ecn: 'nw_ecn', ip_ttl: 'nw_ttl' };

function formatOutput({ port, maxLen }: Extract<Action, { kind: 'output' }>, { portNames }: ActionTextOptions): string {
  const name = formatPort(port, portNames);
  if (port === PORT.CONTROLLER) return `${name}:${maxLen ?? CONTROLLER_DEFAULT.maxLen}`;
  if (maxLen !== undefined) return `output(port=${name},max_len=${maxLen})`;
  return port >= PORT.IN_PORT ? name : `output:${name}`;
}

function formatController(action: Extract<Action, { kind: 'controller' }>): string {
  const { maxLen, reason, id, userdata, pause, meter } = action;
  const parts = [
    ...(reason === CONTROLLER_DEFAULT.reason ? [] : [`reason=${CONTROLLER_REASONS[reason] ?? reason}`]),
    ...(maxLen === CONTROLLER_DEFAULT.maxLen ? [] : [`max_len=${maxLen}`]),
    ...(id === CONTROLLER_DEFAULT.id ? [] : [`id=${id}`]),
    ...(userdata === undefined || userdata.length === 0 ? [] : [`userdata=${formatBytes(userdata)}`]),
    ...(pause ? ['pause'] : []),
    ...(meter === undefined ? [] : [`meter_id=${meter}`]),
  ];
  const isPlain = parts.every((part) => part.startsWith('max_len='));
  return isPlain ? `CONTROLLER:${maxLen}` : `controller(${parts.join(',')})`;
}

function formatResubmit(
  { inPort, table, ct }: Extract<Action, { kind: 'resubmit' }>,
  options: ActionTextOptions,
): string {
  const port = inPort === undefined ? '' : formatPort(inPort, options.portNames);
  if (table === undefined && !ct) return `resubmit:${port === '' ? 'IN_PORT' : port}`;
  return `resubmit(${port},${table === undefined ? '' : formatTable(table, options.tableNames)}${ct ? ',ct' : ''})`;
}
