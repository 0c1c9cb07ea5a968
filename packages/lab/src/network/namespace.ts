import { existsSync } from 'node:fs';
import { createNamespace, inNamespace, Netlink, writeSysctl } from '@tenet/host';
import { failLab } from '../errors.ts';
import { remember } from '../state/record.ts';

/** A network namespace to make, and the file that its name is kept in first. */
export interface NamespaceWish {
  readonly path: string;
  readonly record: string;
  /** False for what a runtime leaves to its network plugin: pods. */
  readonly ipv6?: boolean;
}

/** Makes a namespace as a container runtime does, with `lo` up and unprivileged ping. NAMESPACE_TAKEN when it is there. */
export function makeNamespace({ path, record, ipv6 = true }: NamespaceWish): void {
  if (existsSync(path)) failLab('NAMESPACE_TAKEN', { path });
  remember(record, { kind: 'namespace', path });
  createNamespace(path);
  inNamespace(path, () => {
    // Any group may open ping sockets, as containerd 2 sets it (icmp(7), ping_group_range).
    writeSysctl('net.ipv4.ping_group_range', '0 2147483647');
    if (ipv6) return;
    // No neighbour discovery on links that carry IPv4 only: it would be noise in every dump.
    for (const scope of ['all', 'default']) writeSysctl(`net.ipv6.conf.${scope}.disable_ipv6`, '1');
  });
  using netlink = Netlink.open(path);
  netlink.changeLink('lo', { up: true });
}
