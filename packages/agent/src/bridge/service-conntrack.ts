import { unixctl } from '@tenet/ovsdb';
import { type Datapath, SERVICE_ZONE } from '@tenet/pipeline';
import type { Ip } from '@tenet/std';
import { failAgent } from '../errors.ts';

/** OVS 3.1 in userspace deletes while it walks its table, so that one flush skips entries: of 300, 125 were left. */
const MOST_FLUSHES = 16;

/** What flushing needs of the switch. */
export interface ConntrackSwitch {
  /** Ends all entries of a zone whose original, or whose reply, direction has this source. */
  flush(zone: number, direction: 'orig' | 'reply', source: Ip): Promise<void>;
  /** Path of ovs-vswitchd's control socket. */
  control(): Promise<string>;
}

/**
 * Ends what the switch remembers of a pod's service connections, before its address can be used again: else a new
 * pod's direct connection with an old one's ports would have its replies sent to the host. CONNTRACK_NOT_FLUSHED when
 * entries are left all the same.
 */
export async function flushServiceConntrack(datapath: Datapath, ovs: ConntrackSwitch, ip: Ip): Promise<void> {
  for (let flushes = 0; flushes < MOST_FLUSHES; flushes++) {
    await ovs.flush(SERVICE_ZONE, 'orig', ip);
    await ovs.flush(SERVICE_ZONE, 'reply', ip);
    if (datapath === 'system') return;
    const left = await unixctl(await ovs.control(), 'dpctl/dump-conntrack', [`zone=${SERVICE_ZONE}`]);
    if (!mentionsSource(left, ip)) return;
  }
  failAgent('CONNTRACK_NOT_FLUSHED', { ip: ip.toString(), flushes: MOST_FLUSHES });
}

/** True when an entry of the dump has the address as source of one of its directions. */
export function mentionsSource(dump: string, ip: Ip): boolean {
  return dump.split('\n').some((line) => line.includes(`src=${ip},`));
}
