/** An agent's host rules in a network namespace of a test's own. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  createNamespace,
  deleteNamespace,
  iptablesList,
  iptablesRestore,
  iptablesSave,
  NftNews,
  readLegacySizes,
  readRulesVersion,
} from '@tenet/host';
import type { NodeNetwork } from '@tenet/pipeline';
import { Ip, type Logger, Mac, Prefix, SILENT } from '@tenet/std';
import { HostRulesSync } from '../../packages/agent/src/host/host-rules-sync.ts';
import type { Netfilter } from '../../packages/agent/src/host/iptables-variants.ts';

export const NODE: NodeNetwork = {
  nodeIp: Ip.parse('10.122.70.72'),
  subnet: Prefix.parse('10.131.2.0/23'),
  gateway: Ip.parse('10.131.2.1'),
  gatewayMac: Mac.parse('0a:58:0a:83:02:01'),
  clusterNetworks: [Prefix.parse('10.128.0.0/14')],
  serviceNetwork: Prefix.parse('172.30.0.0/16'),
  vxlanPort: 4789,
  mtuBytes: 1450,
  datapath: 'netdev',
};

interface RulesOptions {
  readonly netfilter?: Partial<Netfilter>;
  readonly nowMs?: () => number;
  readonly log?: Logger;
  readonly onChanged?: (change: { readonly added: number; readonly removed?: number }) => void;
}

/** What keeps the rules of a namespace. */
export function rulesOf(
  namespace: string,
  { netfilter = {}, log = SILENT, onChanged = () => {}, ...rest }: RulesOptions = {},
): HostRulesSync {
  return new HostRulesSync({
    node: NODE,
    log,
    onChanged,
    ...rest,
    netfilter: {
      iptablesList: (options) => iptablesList({ ...options, namespace }),
      iptablesSave: (options) => iptablesSave({ ...options, namespace }),
      iptablesRestore: (text, options) => iptablesRestore(text, { ...options, namespace }),
      hearOfRules: () => NftNews.open(namespace),
      readLegacySizes: () => readLegacySizes(namespace),
      readRulesVersion: (scope) => readRulesVersion({ ...scope, namespace }),
      ...netfilter,
    },
  });
}

/** A network namespace, gone at the end of its block. */
export function temporaryNamespace(topic: string) {
  const name = `tenet-host-rules-${process.pid}-${topic}`;
  const namespace = `/run/netns/${name}`;
  createNamespace(namespace);
  return {
    name,
    namespace,
    [Symbol.dispose]() {
      deleteNamespace(namespace);
    },
  };
}

/** Without comments, which hold the time, and counters. */
export function rulesIn(saved: string): string[] {
  return saved.split('\n').flatMap((line) => (line.startsWith('#') ? [] : [line.replace(/ \[\d+:\d+\]$/, '')]));
}

/** How many processes this one starts meanwhile, by Node's own account. */
export async function processesStartedBy(run: () => Promise<unknown>): Promise<number> {
  let started = 0;
  const count = () => {
    started++;
  };
  subscribe('child_process', count);
  try {
    await run();
  } finally {
    unsubscribe('child_process', count);
  }
  return started;
}
