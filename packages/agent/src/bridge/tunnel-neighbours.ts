import type { Netlink } from '@tenet/host';
import { unixctl } from '@tenet/ovsdb';
import type { Peer } from '@tenet/pipeline';
import type { Ip, Logger, Mac } from '@tenet/std';

/** The next hop of a tunnel and its MAC. */
interface TunnelNeighbour {
  readonly link: string;
  readonly hop: Ip;
  readonly mac: Mac;
}

/**
 * Gives the userspace datapath the MACs of its tunnels' next hops, from the kernel's neighbours: by itself it asks
 * only when the first packet is there, which is then late or lost, and forgets all at a restart.
 */
export class TunnelNeighbours {
  readonly #netlink: Netlink;
  readonly #control: () => Promise<string>;
  readonly #log: Logger;
  #told = new Map<string, string>();

  constructor({ netlink, control, log }: { netlink: Netlink; control: () => Promise<string>; log: Logger }) {
    this.#netlink = netlink;
    this.#control = control;
    this.#log = log;
  }

  /** Forgets what the switch was told, after it has restarted. */
  forget(): void {
    this.#told = new Map();
  }

  /** Tells the switch what it does not know; asks the kernel to find out what that does not know. */
  async refresh(peers: readonly Peer[], signal: AbortSignal): Promise<void> {
    for (const { hostIp } of peers) {
      const neighbour = this.#find(hostIp);
      if (neighbour === undefined) continue;
      const { link, hop, mac } = neighbour;
      if (this.#told.get(`${link} ${hop}`) === mac.toString()) continue;
      await unixctl(await this.#control(), 'tnl/neigh/set', [link, hop.toString(), mac.toString()], { signal });
      this.#told.set(`${link} ${hop}`, mac.toString());
      this.#log.info('tunnel neighbour set', { peer: hostIp.toString(), interface: link, mac: mac.toString() });
    }
  }

  #find(hostIp: Ip): TunnelNeighbour | undefined {
    const { link, gateway } = this.#netlink.routeTo(hostIp);
    if (link === undefined) return undefined;
    const hop = gateway ?? hostIp;
    const known = this.#netlink.neighbours().find((entry) => entry.link === link && entry.address.equals(hop));
    if (known?.mac !== undefined && known.state !== 'failed') return { link, hop, mac: known.mac };
    this.#netlink.resolveNeighbour({ link, address: hop });
    return undefined;
  }
}
