import { formatActions, formatMatch } from '@tenet/openflow';
import {
  ARTICLE_NODE,
  DROP_CLASS_NAMES,
  DROP_CLASSES,
  explainTable,
  hostChains,
  REGISTERS,
  readCookie,
  TABLE_NAMES,
  TABLES,
  type TableName,
} from '@tenet/pipeline';

const { node: NODE, pod: POD, peer: PEER, service: SERVICE } = ARTICLE_NODE;

/** Every table of br0: its question, its flows with their reasons, its drops; the host's rules too. */
export function tablesText(): string {
  return [
    `The flow tables of br0, as on a node ${NODE.nodeIp} with the subnet ${NODE.subnet}, the pod ${POD.ip} of the`,
    `project with VNID 0x${POD.vnid.toString(16)} at port ${POD.ofPort}, and the peer ${PEER.hostIp} with the subnet ${PEER.subnet},`,
    `and the service ${SERVICE.clusterIp} of the same project.`,
    'Port 1 is vxlan0, port 2 is tun0.',
    '',
    'Registers',
    ...Object.entries(REGISTERS).map(([name, meaning]) => `  ${name}  ${meaning}`),
    ...TABLE_NAMES.flatMap(tableLines),
    '',
    'Drop classes: all drops of a class share a cookie, 0xdd in its highest byte and the number in its lowest',
    ...DROP_CLASS_NAMES.map(
      (name) => `  ${String(DROP_CLASSES[name].id).padStart(2)}  ${name.padEnd(24)}${DROP_CLASSES[name].means}`,
    ),
    ...hostLines(),
  ].join('\n');
}

function tableLines(table: TableName): string[] {
  const { id, question, next } = TABLES[table];
  const flows = explainTable(table, ARTICLE_NODE).flatMap(({ owner, flow, why }) => {
    const match = formatMatch(flow.match) || 'any';
    const dropClass = readCookie(flow.cookie)?.dropClass;
    const actions = dropClass === undefined ? formatActions(flow.actions) : `drop ${dropClass}`;
    return [
      `  ${String(flow.priority).padStart(4)}  ${owner.padEnd(8)}${match}`,
      `        → ${actions}`,
      `          ${why}`,
    ];
  });
  const on = next.length === 0 ? '' : ` → ${[...new Set(next.map((name) => TABLES[name].id))].join(', ')}`;
  return ['', `Table ${id}${on}: ${question}`, ...flows];
}

/** What becomes of a chain that others fill. */
const FILL = {
  'the administrator': 'may fill it',
  'the service rules': 'fill it, while the back end is iptables',
} as const;

function hostLines(): string[] {
  return Object.entries(hostChains(NODE, { serviceChains: true })).flatMap(([table, chains]) =>
    chains.flatMap(({ name, calledFrom, when, position, filledBy, rules = [] }) => [
      '',
      `iptables ${table}: ${name}, called ${position} in ${calledFrom}${when === undefined ? '' : ` for ${when}`}`,
      ...(filledBy === undefined ? [] : [`  made when missing; ${filledBy} ${FILL[filledBy]}`]),
      ...rules.flatMap(({ rule, why, guard }) => [
        `  ${rule}`,
        `        ${why}${guard === undefined ? '' : `; counted as ${guard}`}`,
      ]),
    ]),
  );
}
