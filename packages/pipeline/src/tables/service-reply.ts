import { SERVICE_ZONE } from '../registers.ts';
import { goTo, IP, load, type Row, setField, TCP, to } from '../rows.ts';
import { TABLES } from '../tables.ts';
import type { TableRows } from './table-rows.ts';

// Bits of ct_state, as ovs-fields(7) numbers them.
const INV = 0x10n;
const RPL = 0x08n;
const TRK = 0x20n;
// Bits of tcp_flags (RFC 9293 §3.1).
const FIN_SYN_RST = 0x07n;

/**
 * Table 21. A reply of a connection that this host translated must go back through the host, though it is addressed
 * to the pod. Only what goes to a local pod can be one, so nothing else is looked up. Never a drop of `+inv` as
 * such: direct connections are not committed, so their answers are invalid to conntrack.
 */
export const serviceReply: TableRows = {
  static: ({ datapath, subnet, gateway, gatewayMac }) => [
    {
      priority: 300,
      match: { ...IP, ct_state: { value: TRK | RPL, mask: TRK | RPL }, ct_mark: { value: 1n, mask: 1n } },
      apply: [setField('eth_dst', gatewayMac), load(1, 'reg3'), goTo('dispatch')],
      why: 'also an ICMP error about such a connection: the host must undo its translation',
    },
    ...(datapath === 'netdev' ? [OUT_OF_WINDOW] : []),
    {
      priority: 210,
      match: { ...IP, ip_dst: to(gateway) },
      apply: [goTo('dispatch')],
      why: 'the gateway is no pod: no lookup',
    },
    {
      priority: 200,
      match: { ...IP, ct_state: { value: 0n, mask: TRK }, ip_dst: to(subnet) },
      apply: [{ kind: 'ct', table: TABLES.serviceReply.id, zone: SERVICE_ZONE }],
      why: 'only what goes to a local pod can be a reply to it',
    },
    { priority: 100, match: IP, apply: [goTo('dispatch')], why: 'all else, untracked or simply not marked' },
  ],
};

/** The userspace datapath alone marks these; un-NATed they would make the client reset the endpoint. */
const OUT_OF_WINDOW: Row = {
  priority: 250,
  match: { ...TCP, ct_state: { value: TRK | INV, mask: TRK | INV }, tcp_flags: { value: 0n, mask: FIN_SYN_RST } },
  apply: 'invalid-reply',
  why: 'a plain segment outside the window of a known connection',
};
