import { unixctl } from '@tenet/ovsdb';
import { isTenetError } from '@tenet/std';

/**
 * Ends single connections that the userspace datapath tracks, each by its whole tuple: what `dpctl/flush-conntrack` has
 * taken since Open vSwitch 2.9 (ovs-dpctl(8)). One that has ended by itself meanwhile is as wished.
 */
export async function flushTuples(control: string, zone: number, tuples: readonly string[]): Promise<void> {
  for (const tuple of tuples) {
    try {
      await unixctl(control, 'dpctl/flush-conntrack', [`zone=${zone}`, tuple]);
    } catch (error) {
      // The command fails for a connection that is not there; who needs to know looks at the table again.
      if (!isTenetError(error, 'UNIXCTL_FAILED')) throw error;
    }
  }
}

/** The original directions of lines of `dpctl/dump-conntrack`, as the command takes them; none of what it cannot name. */
export function originalTuples(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, protocolName = '', original = ''] = /^(\w+),orig=\(([^)]*)\)/.exec(line) ?? [];
    const protocol = PROTOCOLS[protocolName];
    if (protocol === undefined) return [];
    const fields = original.split(',').map((field) => {
      const [key = '', value = ''] = field.split('=');
      return `${FIELDS[key] ?? key}=${value}`;
    });
    // The command reads the fields of ICMP only behind the protocol.
    return [[`ct_nw_proto=${protocol}`, ...fields].join()];
  });
}

/** Protocols that have ports, or what stands for them (IANA protocol numbers). */
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

/** What a dump calls them, and what a tuple does. */
const FIELDS: Readonly<Record<string, string>> = {
  src: 'ct_nw_src',
  dst: 'ct_nw_dst',
  sport: 'ct_tp_src',
  dport: 'ct_tp_dst',
  type: 'icmp_type',
  code: 'icmp_code',
  id: 'icmp_id',
};
