import { defineTables } from './define-tables.ts';
import type { DropClass } from './drop-classes.ts';

/** br0's tables in the order in which a packet meets them. */
// biome-ignore format: columns are the documentation
export const TABLES = defineTables({
  classify:           { id: 0,   question: 'which side did it come from: tunnel, host or pod?',        next: ['tunnelEntry', 'podEntry', 'fromHost', 'dispatch'], miss: 'ethertype' },
  tunnelEntry:        { id: 10,  question: 'is the sender a node, and may it speak for that source?',  next: ['serviceReply', 'dispatch'],                        miss: 'tunnel-unknown-peer' },
  podEntry:           { id: 20,  question: 'is it from the pod that owns the port, and of which project?', next: ['serviceReply', 'dispatch'],                    miss: 'unknown-port' },
  serviceReply:       { id: 21,  question: 'does it answer a connection that this host translated?',   next: ['serviceReply', 'dispatch'],                        miss: 'unreachable' },
  fromHost:           { id: 25,  question: 'which pod sent what the host has translated?',             next: ['dispatch'],                                        miss: 'host-unknown-pod' },
  dispatch:           { id: 30,  question: 'where is it going?',                                       next: ['localArp', 'remoteArp', 'service', 'localPod', 'remotePod', 'outside', 'multicast', 'multicastDelivery'], miss: 'unreachable' },
  localArp:           { id: 40,  question: 'which local pod does the ARP ask for?',                    next: ['tenantCheck'],                                     miss: 'arp-unknown-pod' },
  remoteArp:          { id: 50,  question: 'which node has the pod that the ARP asks for?',            next: [],                                                  miss: 'arp-unknown-node' },
  service:            { id: 60,  question: 'whose service is it?',                                     next: ['tenantCheck'],                                     miss: 'unknown-service' },
  localPod:           { id: 70,  question: 'which local pod is it for, and of which project?',         next: ['tenantCheck'],                                     miss: 'unknown-pod' },
  tenantCheck:        { id: 80,  question: 'may the source project reach the destination project?',    next: [],                                                  miss: 'tenant-mismatch' },
  remotePod:          { id: 90,  question: 'which node has the pod?',                                  next: [],                                                  miss: 'unknown-node' },
  outside:            { id: 99,  question: 'does it leave the cluster past every policy?',             next: ['egressPolicy'],                                    miss: 'unreachable' },
  egressPolicy:       { id: 100, question: 'may the project reach that outside address?',              next: ['egressRoute'],                                     miss: 'unreachable' },
  egressRoute:        { id: 101, question: 'from which address does it leave the cluster?',            next: [],                                                  miss: 'unreachable' },
  multicast:          { id: 110, question: 'may the project use multicast?',                           next: ['multicastFanOut'],                                 miss: 'multicast-disabled' },
  multicastFanOut:    { id: 111, question: 'which nodes get a copy of the multicast?',                 next: ['multicastDelivery'],                               miss: 'unreachable' },
  multicastDelivery:  { id: 120, question: 'which local pods get a copy of the multicast?',            next: [],                                                  miss: 'multicast-no-member' },
  version:            { id: 253, question: 'whose flows are these, and of which version?',             next: [],                                                  miss: 'unreachable' },
} as const satisfies Record<string, { miss: DropClass; [key: string]: unknown }>);

export type TableName = keyof typeof TABLES;

export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/** The table with this number, undefined when br0 has none. */
export function tableNameOf(id: number): TableName | undefined {
  return TABLE_NAMES.find((name) => TABLES[name].id === id);
}
