import type { Neighbour, Netlink } from '@tenet/host';
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
 * only when the first packet is there, which is then late or lost, and it forgets all at a restart and what was not
 * used for 15 minutes.
 */
export class TunnelNeighbours {
  readonly #netlink: Netlink;
  readonly #control: () => Promise<string>;
  readonly #log: Logger;

  constructor({ netlink, control, log }: { netlink: Netlink; control: () => Promise<string>; log: Logger }) {
    this.#netlink = netlink;
    this.#control = control;
    this.#log = log;
  }

  /** Tells the switch what it does not know; asks the kernel to find out what that does not know. */
  async refresh(peers: readonly Peer[], signal: AbortSignal): Promise<void> {
    if (peers.length === 0) return;
    const control = await this.#control();
    const told = parseTunnelNeighbours(await unixctl(control, 'tnl/neigh/show', [], { signal }));
    const kernel = new Map(this.#netlink.neighbours().map((entry) => [keyOf(entry.link, entry.address), entry]));
    for (const { hostIp } of peers) {
      const neighbour = this.#find(hostIp, kernel);
      if (neighbour === undefined) continue;
      const { link, hop, mac } = neighbour;
      if (told.get(keyOf(link, hop)) === mac.toString()) continue;
      await unixctl(control, 'tnl/neigh/set', [link, hop.toString(), mac.toString()], { signal });
      told.set(keyOf(link, hop), mac.toString());
      this.#log.info('tunnel neighbour set', { peer: hostIp.toString(), interface: link, mac: mac.toString() });
    }
  }

  #find(hostIp: Ip, kernel: ReadonlyMap<string, Neighbour>): TunnelNeighbour | undefined {
    const { link, gateway } = this.#netlink.routeTo(hostIp);
    if (link === undefined) return undefined;
    const hop = gateway ?? hostIp;
    const known = kernel.get(keyOf(link, hop));
    if (known?.mac !== undefined && known.state !== 'failed') return { link, hop, mac: known.mac };
    this.#netlink.resolveNeighbour({ link, address: hop });
    return undefined;
  }
}

/** The answer of `tnl/neigh/show`: the MAC by bridge and address. Lines that are no entry are headings. */
export function parseTunnelNeighbours(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [ip, mac, bridge] = line.trim().split(/\s+/);
    if (ip !== undefined && bridge !== undefined && mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))
      found.set(keyOf(bridge, ip), mac);
  }
  return found;
}

function keyOf(link: string, address: Ip | string): string {
  return `${link} ${address}`;
}
