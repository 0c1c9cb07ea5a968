import { vnidOf } from '@tenet/model';
import { formatActions, formatMatch } from '@tenet/openflow';
import {
  DROP_CLASS_NAMES,
  DROP_CLASSES,
  explainTable,
  hostChains,
  type NodeNetwork,
  type Peer,
  type PodPort,
  REGISTERS,
  readCookie,
  TABLE_NAMES,
  TABLES,
  type TableName,
} from '@tenet/pipeline';
import { Ip, Mac, Prefix } from '@tenet/std';

/** The node that the text is about: one with one pod and one peer has a flow of every kind. */
const NODE: NodeNetwork = {
  datapath: 'netdev',
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  subnet: Prefix.parse('10.131.2.0/23'),
  gateway: Ip.parse('10.131.2.1'),
  gatewayMac: Mac.parse('0a:58:0a:83:02:01'),
  nodeIp: Ip.parse('10.122.70.72'),
  vxlanPort: 4789,
  mtuBytes: 1450,
};
const POD: PodPort = {
  ip: Ip.parse('10.131.2.46'),
  mac: Mac.parse('0a:58:0a:83:02:2e'),
  ofPort: 46,
  vnid: vnidOf(0x5a2),
};
const PEER: Peer = { id: 0x0f46ee1a, hostIp: Ip.parse('10.122.70.73'), subnet: Prefix.parse('10.130.0.0/23') };

/** Every table of br0: its question, its flows with their reasons, its drops; the host's rules too. */
export function tablesText(): string {
  return [
    `The flow tables of br0, as on a node ${NODE.nodeIp} with the subnet ${NODE.subnet}, the pod ${POD.ip} of the`,
    `project with VNID 0x${POD.vnid.toString(16)} at port ${POD.ofPort}, and the peer ${PEER.hostIp} with the subnet ${PEER.subnet}.`,
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
  const flows = explainTable(table, NODE, POD, PEER).flatMap(({ owner, flow, why }) => {
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

function hostLines(): string[] {
  return Object.entries(hostChains(NODE)).flatMap(([table, chains]) =>
    chains.flatMap(({ name, calledFrom, when, position, rules = [] }) => [
      '',
      `iptables ${table}: ${name}, called ${position} in ${calledFrom}${when === undefined ? '' : ` for ${when}`}`,
      ...(rules.length === 0 ? ["  the administrator's: made when missing, never changed"] : []),
      ...rules.flatMap(({ rule, why }) => [`  ${rule}`, `        ${why}`]),
    ]),
  );
}
