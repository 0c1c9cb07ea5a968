import { deleteConntrack } from '@tenet/host';
import { unixctl } from '@tenet/ovsdb';
import { type Datapath, SERVICE_ZONE } from '@tenet/pipeline';
import { type Ip, isTenetError } from '@tenet/std';
import { coalesce } from '../coalesce.ts';
import { failAgent } from '../errors.ts';
import { flushTuples, originalTuples } from './flush-tuples.ts';

/** OVS 3.1 in userspace deletes while it walks its table, so that one flush skips entries: of 300, 125 were left. */
const MOST_FLUSHES = 16;

/** What flushing needs of the switch. */
export interface ConntrackSwitch {
  /**
   * Ends all entries of a zone whose original, or whose reply, direction has this source: NXT_CT_FLUSH, which Open
   * vSwitch before 3.1 refuses.
   */
  flush(zone: number, direction: 'orig' | 'reply', source: Ip): Promise<void>;
  /** Path of ovs-vswitchd's control socket. */
  control(): Promise<string>;
}

/**
 * Ends what the switch remembers of a pod's service connections, before its address can be used again: else a new
 * pod's direct connection with an old one's ports would have its replies sent to the host.
 */
export class ServiceConntrack {
  readonly #datapath: Datapath;
  readonly #ovs: ConntrackSwitch;
  /** Many pods that go at once are looked up in one dump. */
  readonly #dump: () => Promise<void>;
  #dumped = '';
  readonly #forget: typeof deleteConntrack;

  /** `forget` deletes what the kernel tracks, where that is the datapath. */
  constructor(datapath: Datapath, ovs: ConntrackSwitch, forget = deleteConntrack) {
    this.#datapath = datapath;
    this.#forget = forget;
    this.#ovs = ovs;
    this.#dump = coalesce(async () => {
      this.#dumped = await unixctl(await ovs.control(), 'dpctl/dump-conntrack', [`zone=${SERVICE_ZONE}`]);
    });
  }

  /** To be called once no flow makes new entries; CONNTRACK_NOT_FLUSHED when entries are left all the same. */
  async flush(ip: Ip): Promise<void> {
    if (this.#datapath === 'system') return this.#flushOnce(ip);
    // Most pods have none: a look is cheaper than two flushes.
    for (let flushes = 0; await this.#isMentioned(ip); flushes++) {
      if (flushes === MOST_FLUSHES) failAgent('CONNTRACK_NOT_FLUSHED', { ip: ip.toString(), flushes });
      await this.#flushOnce(ip);
    }
  }

  async #isMentioned(ip: Ip): Promise<boolean> {
    await this.#dump();
    return mentionsSource(this.#dumped, ip);
  }

  async #flushOnce(ip: Ip): Promise<void> {
    try {
      await this.#ovs.flush(SERVICE_ZONE, 'orig', ip);
      await this.#ovs.flush(SERVICE_ZONE, 'reply', ip);
    } catch (error) {
      if (!isTenetError(error, 'OPENFLOW_REFUSED')) throw error;
      await this.#flushWithoutSwitch(ip);
    }
  }

  #tuplesOf(ip: Ip): string[] {
    return originalTuples(this.#dumped.split('\n').filter((line) => mentionsSource(line, ip)));
  }

  /** The kernel's table is open to us; that of ovs-vswitchd takes one tuple at a time from its control socket. */
  async #flushWithoutSwitch(ip: Ip): Promise<void> {
    if (this.#datapath === 'netdev') return flushTuples(await this.#ovs.control(), SERVICE_ZONE, this.#tuplesOf(ip));
    this.#forget({ zone: SERVICE_ZONE, originalSource: ip });
    this.#forget({ zone: SERVICE_ZONE, replySource: ip });
  }
}

/** True when a dump, or one line of it, has the address as source of a direction. */
export function mentionsSource(dump: string, ip: Ip): boolean {
  return dump.includes(`src=${ip},`);
}
