import { existsSync } from 'node:fs';
import { createNamespace, inNamespace, writeSysctl } from '@tenet/host';
import { failLab } from '../errors.ts';
import { remember } from '../state/record.ts';

/** A network namespace to make, and the file that its name is kept in first. */
export interface NamespaceWish {
  readonly path: string;
  readonly record: string;
  /** False where links carry IPv4 only. A node's is as a machine has it, a pod's is its plugin's. */
  readonly ipv6?: boolean;
}

/** Makes a namespace, with `lo` up as container runtimes have it. NAMESPACE_TAKEN when it is there. */
export function makeNamespace({ path, record, ipv6 = true }: NamespaceWish): void {
  if (existsSync(path)) failLab('NAMESPACE_TAKEN', { path });
  remember(record, { kind: 'namespace', path });
  createNamespace(path);
  if (ipv6) return;
  inNamespace(path, () => {
    for (const scope of ['all', 'default']) writeSysctl(`net.ipv6.conf.${scope}.disable_ipv6`, '1');
  });
}
