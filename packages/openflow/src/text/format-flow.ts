import { DEFAULT_PRIORITY, type Flow, type FlowStats } from '../flow.ts';
import { FLOW_FLAGS } from './flow-flags.ts';
import { type ActionTextOptions, formatActions } from './format-actions.ts';
import { formatMatch } from './format-match.ts';
import { formatTable } from './table-text.ts';

export interface FormatFlowOptions extends ActionTextOptions {
  /** Write counters and ages, as `dump-flows` does without `--no-stats`; a flow without any counts as unused. */
  readonly statistics?: boolean;
}

/**
 * The text of a flow, byte for byte as `ovs-ofctl -O OpenFlow14 dump-flows` of Open vSwitch 3.1 prints it (that
 * tool puts one space before each line).
 */
export function formatFlow(flow: Flow, options: FormatFlowOptions = {}): string {
  const { statistics = false, tableNames } = options;
  const stats = statistics ? (flow.stats ?? UNUSED) : undefined;
  const match = formatMatch(flow.match, options);
  const priority = flow.priority === DEFAULT_PRIORITY ? '' : `priority=${flow.priority}`;
  const matched = [priority, match].filter((part) => part !== '').join(',');
  return [
    stats !== undefined || flow.cookie !== 0n ? `cookie=0x${flow.cookie.toString(16)}, ` : '',
    stats === undefined ? '' : `duration=${formatDuration(stats.durationMs)}, `,
    stats !== undefined || flow.table !== 0 || tableNames?.has(flow.table)
      ? `table=${formatTable(flow.table, tableNames)}, `
      : '',
    stats === undefined ? '' : `n_packets=${stats.packets}, n_bytes=${stats.bytes}, `,
    flow.idleTimeoutS ? `idle_timeout=${flow.idleTimeoutS}, ` : '',
    flow.hardTimeoutS ? `hard_timeout=${flow.hardTimeoutS}, ` : '',
    ...[...FLOW_FLAGS].map(([word, bit]) => ((flow.flags ?? 0) & bit ? `${word} ` : '')),
    flow.importance ? `importance=${flow.importance}, ` : '',
    stats?.idleAgeS === undefined ? '' : `idle_age=${stats.idleAgeS}, `,
    stats?.hardAgeS === undefined ? '' : `hard_age=${stats.hardAgeS}, `,
    matched === '' ? '' : `${matched} `,
    `actions=${formatActions(flow.actions, options)}`,
  ].join('');
}

const UNUSED: FlowStats = { durationMs: 0, packets: 0n, bytes: 0n };

/** Whole seconds without a point, whole milliseconds with three digits, anything else with nine. */
function formatDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const nanoseconds = Math.round((durationMs - seconds * 1000) * 1_000_000);
  if (nanoseconds === 0) return `${seconds}s`;
  const digits = String(nanoseconds).padStart(9, '0');
  return `${seconds}.${digits.endsWith('000000') ? digits.slice(0, 3) : digits}s`;
}
