import { deleteConntrackIf } from '@tenet/host';
import type { Portal } from '@tenet/proxy';

/**
 * Forgets which UDP clients were led to a portal, so that their next datagrams go where the rules lead now: conntrack
 * would lead them to the portal for as long as they come.
 */
export function forgetDatagrams({ ip, port }: Portal, namespacePath?: string): void {
  const filter = { replySource: ip, protocol: 17, family: 4 } as const;
  deleteConntrackIf(filter, ({ reply }) => reply.sourcePort === port, namespacePath);
}
