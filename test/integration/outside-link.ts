/** Somebody outside of the cluster, on a link of the node's, who sends packets with the address of a pod. */
import { Netlink, PacketSocket } from '@tenet/host';
import { buildFrame, Ip, Mac } from '@tenet/std';

const INSIDE = Mac.parse('02:00:00:00:00:01');
const OUTSIDE = Mac.parse('02:00:00:00:00:02');

/** Both ends are in the namespace: what is sent on one comes in on the other. Disposing it takes them away. */
export function outsideOf(namespace: string) {
  using netlink = Netlink.open(namespace);
  netlink.addVeth({ name: 'inside', mtu: 1500, mac: INSIDE, peer: { name: 'outside', namespace, mac: OUTSIDE } });
  for (const link of ['inside', 'outside']) netlink.changeLink(link, { up: true });
  const socket = PacketSocket.open({ link: 'outside', namespace });
  const frame = buildFrame({
    ethernet: { source: OUTSIDE, destination: INSIDE },
    network: {
      kind: 'ipv4',
      header: { source: Ip.parse('10.129.0.7'), destination: Ip.parse('192.0.2.1'), ttl: 64 },
      transport: { kind: 'udp', header: { sourcePort: 5000, destinationPort: 53 } },
    },
  });
  return {
    forge(packets: number) {
      for (let sent = 0; sent < packets; sent++) socket.send(frame);
    },
    [Symbol.dispose]() {
      socket[Symbol.dispose]();
      using netlink = Netlink.open(namespace);
      netlink.deleteLink('inside');
    },
  };
}
