import type { NodeStatus } from '@tenet/agent/status';

/** A node's status on one screen. `nowMs` is the time of day, for how long ago things were. */
export function statusText(status: NodeStatus, nowMs: number): string[] {
  const facts = factsOf(status, nowMs);
  const width = Math.max(...facts.map(([name]) => name.length));
  return [
    ...facts.map(([name, text]) => `${name.padEnd(width)}  ${text}`.trimEnd()),
    '',
    ...flowLines(status),
    '',
    ...dropLines(status),
    '',
    ...guardLines(status),
    ...problemLines(status, nowMs),
  ];
}

function factsOf(status: NodeStatus, nowMs: number): [name: string, text: string][] {
  const { node, version, state, startedAt, datapath, ip, subnet, openvswitch, iptables, leases, pods, peers } = status;
  const { ovsdb, vswitchd, fragmentMode, bridge, ports } = openvswitch;
  const built = openvswitch.datapathVersion === null ? '' : `, datapath ${openvswitch.datapathVersion}`;
  const refused = peers.refused.length === 0 ? '' : `, ${peers.refused.length} left out`;
  const wrong = pods.withProblem.length === 0 ? '' : `, ${pods.withProblem.length} with a problem`;
  return [
    ['node', `${node}: ${state}, tenet ${version}, started ${agoOf(startedAt, nowMs)}`],
    ['network', `${known(ip)} with ${known(subnet)}, datapath ${datapath}`],
    ['Open vSwitch', `${known(openvswitch.version)}${built}`],
    ['connections', `ovsdb-server ${connection(ovsdb)}, ovs-vswitchd ${connection(vswitchd)}`],
    [bridge, `${ports.map(portText).join(', ')}, fragments ${known(fragmentMode)}`],
    ['iptables', known(iptables)],
    ['services', servicesText(status.services, nowMs)],
    ['pods', `${pods.wired} wired${wrong}`],
    ['leases', leases === null ? '-' : `${leases.used} of ${leases.capacity}`],
    ['peers', `${peers.count}${refused}`],
    ...reconcileFacts(status, nowMs),
  ];
}

function reconcileFacts({ reconcile: { lastPass, lastChange } }: NodeStatus, nowMs: number): [string, string][] {
  const pass = lastPass === null ? 'never' : `${agoOf(lastPass.at, nowMs)}, took ${msOf(lastPass.seconds)}`;
  return [
    ['compared', pass],
    ['changed', lastChange === null ? 'nothing' : `${agoOf(lastChange.at, nowMs)}: ${changeText(lastChange)}`],
  ];
}

function servicesText(services: NodeStatus['services'], nowMs: number): string {
  if (services === null) return 'not forwarded by this daemon';
  const { backEnd, ports, endpoints, pending, lastSync, ready } = services;
  const synced = lastSync === null ? 'never synced' : `synced ${agoOf(lastSync, nowMs)}`;
  const waiting = pending === 0 ? '' : `, ${pending} changes pending`;
  return `${ready ? '' : 'NOT ready, '}${ports} ports with ${endpoints} endpoints in ${backEnd}, ${synced}${waiting}`;
}

function changeText(change: NonNullable<NodeStatus['reconcile']['lastChange']>): string {
  const counts = (['added', 'removed', 'changed'] as const).flatMap((kind) =>
    change[kind] === 0 ? [] : [`${change[kind]} ${kind}`],
  );
  return `${change.step}, ${counts.join(', ')}`;
}

function portText({ name, ofPort, expected }: NodeStatus['openvswitch']['ports'][number]): string {
  if (ofPort === null) return `${name} missing`;
  return ofPort === expected ? `${name} is port ${ofPort}` : `${name} is port ${ofPort} instead of ${expected}`;
}

/** Installed and desired side by side; kinds that neither has are left out. */
function flowLines({ flows }: NodeStatus): string[] {
  const rows = flows.filter(({ installed, desired }) => (installed ?? 0) + (desired ?? 0) > 0);
  return columns([
    ['FLOWS', 'INSTALLED', 'DESIRED'],
    ...rows.map(({ kind, installed, desired }) => [kind, known(installed), known(desired)]),
  ]);
}

/** What was dropped, and what the packets were; an exclamation mark where nobody sends such by mistake. */
function dropLines({ drops }: NodeStatus): string[] {
  const rows = drops.filter(({ packets }) => packets > 0);
  if (rows.length === 0) return ['DROPS  none since the daemon started'];
  return columns([
    ['DROPS', 'PACKETS', ''],
    ...rows.map((drop) => [`${drop.class}${drop.alarming ? ' !' : ''}`, String(drop.packets), drop.means]),
  ]);
}

/** What the host's own rules dropped; nothing when that is nothing. */
function guardLines({ guards }: NodeStatus): string[] {
  const rows = guards.filter(({ packets }) => packets > 0);
  if (rows.length === 0) return [];
  return [
    ...columns([
      ['GUARDS', 'PACKETS', ''],
      ...rows.map(({ guard, packets, means }) => [guard, String(packets), means]),
    ]),
    '',
  ];
}

function problemLines({ problems }: NodeStatus, nowMs: number): string[] {
  if (problems.length === 0) return ['WRONG  nothing'];
  return [
    'WRONG',
    ...problems.flatMap(({ sentence, remedy, since }) => [
      `  ${sentence}${since === null ? '' : ` (since ${durationOf(Date.parse(since), nowMs)})`}`,
      `    ${remedy}`,
    ]),
  ];
}

/** Columns two spaces apart; the last is as long as it is. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function connection({ connected }: { readonly connected: boolean }): string {
  return connected ? 'connected' : 'NOT connected';
}

function known(value: string | number | null): string {
  return value === null ? '-' : String(value);
}

function agoOf(moment: string, nowMs: number): string {
  return `${durationOf(Date.parse(moment), nowMs)} ago`;
}

const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
] as const;

/** The two largest units that say it. A clock that was set back makes no negative time. */
function durationOf(fromMs: number, toMs: number): string {
  const seconds = Math.max(0, (toMs - fromMs) / 1000);
  const at = UNITS.findIndex((unit) => seconds >= unit.seconds);
  const unit = UNITS[at];
  if (unit === undefined) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const rest = seconds % unit.seconds;
  const smaller = UNITS[at + 1] ?? { name: 's', seconds: 1 };
  return `${Math.floor(seconds / unit.seconds)} ${unit.name} ${Math.floor(rest / smaller.seconds)} ${smaller.name}`;
}

function msOf(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`;
}
