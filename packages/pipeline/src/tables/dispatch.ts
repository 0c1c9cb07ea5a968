import { Ip } from '@tenet/std';
import { MULTICAST } from '../multicast.ts';
import { OF_PORT } from '../registers.ts';
import { ARP, goTo, IP, output, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

const BROADCAST = Ip.parse('255.255.255.255');

/** Table 30. Where is it going: the gateway, here, a service, another node, outside. */
export const dispatch: TableRows = {
  static: ({ clusterNetworks, serviceNetwork, subnet, gateway }) => [
    {
      priority: 300,
      match: { ...ARP, arp_tpa: to(gateway) },
      apply: [output(OF_PORT.tun0)],
      why: 'the gateway is the host',
    },
    {
      priority: 300,
      match: { ...IP, ip_dst: to(gateway) },
      apply: [output(OF_PORT.tun0)],
      why: 'the gateway is the host, for remote pods too',
    },
    { priority: 200, match: { ...ARP, arp_tpa: to(subnet) }, apply: [goTo('localArp')], why: 'a pod of this node' },
    { priority: 200, match: { ...IP, ip_dst: to(subnet) }, apply: [goTo('localPod')], why: 'a pod of this node' },
    {
      priority: 160,
      match: { in_port: OF_PORT.tun0, ...IP, ip_dst: to(serviceNetwork) },
      apply: 'unknown-service',
      why: 'the host had no rule for it and routed it back',
    },
    { priority: 150, match: { ...IP, ip_dst: to(serviceNetwork) }, apply: [goTo('service')], why: 'a service' },
    ...clusterNetworks.flatMap((cluster) => [
      {
        priority: 100,
        match: { ...ARP, arp_tpa: to(cluster) },
        apply: [goTo('remoteArp')],
        why: 'a pod of another node',
      },
      {
        priority: 100,
        match: { ...IP, ip_dst: to(cluster) },
        apply: [goTo('remotePod')],
        why: 'a pod of another node',
      },
    ]),
    {
      priority: 50,
      match: { in_port: OF_PORT.vxlan0, ...IP, ip_dst: to(MULTICAST) },
      apply: [goTo('multicastDelivery')],
      why: 'from the tunnel to local members only, never on',
    },
    {
      priority: 25,
      match: { ...IP, ip_dst: to(MULTICAST) },
      apply: [goTo('multicast')],
      why: 'multicast of a pod of this node',
    },
    {
      priority: 20,
      match: { ...IP, ip_dst: to(BROADCAST) },
      apply: 'broadcast',
      why: "it would reach the host's DHCP and the like",
    },
    {
      priority: 15,
      match: { in_port: OF_PORT.tun0, ...IP },
      apply: 'host-other',
      why: 'only pods leave the cluster here',
    },
    {
      priority: 15,
      match: { in_port: OF_PORT.vxlan0, ...IP },
      apply: 'no-such-destination',
      why: 'only pods of this node leave the cluster here',
    },
    { priority: 10, match: IP, apply: [goTo('outside')], why: 'a pod to the outside' },
    { priority: 5, match: ARP, apply: 'arp-outside', why: 'the outside is reached through the gateway' },
  ],
};
