/** Numbers of the netlink protocols by their uapi names (include/uapi/linux/netlink.h, rtnetlink.h and neighbours). */

export const AF = { UNSPEC: 0, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17 } as const;
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;

export const SOL_SOCKET = 1;

// socket(2) of netlink(7)
export const NETLINK = { ROUTE: 0, NETFILTER: 12 } as const;
export const SOL_NETLINK = 270;
export const NETLINK_OPTION = { CAP_ACK: 10, EXT_ACK: 11, GET_STRICT_CHK: 12 } as const;

// struct nlmsghdr
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;
export const NLM_F = {
  REQUEST: 0x001,
  MULTI: 0x002,
  ACK: 0x004,
  DUMP_INTR: 0x010,
  // of a request that reads
  DUMP: 0x300,
  // of a request that writes
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  // of an acknowledgement
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;
export const NLMSGERR_ATTR = { MSG: 1, OFFS: 2 } as const;

// rtnetlink.h
// biome-ignore format: columns are the table
export const RTM = {
  NEWLINK: 16, DELLINK: 17, GETLINK: 18, SETLINK: 19,
  NEWADDR: 20, DELADDR: 21, GETADDR: 22,
  NEWROUTE: 24, DELROUTE: 25, GETROUTE: 26,
  NEWNEIGH: 28, DELNEIGH: 29, GETNEIGH: 30,
  NEWRULE: 32, DELRULE: 33, GETRULE: 34,
} as const;

// if.h, if_link.h, veth.h
export const IFF = { UP: 0x1, RUNNING: 0x40 } as const;
// biome-ignore format: columns are the table
export const IFLA = {
  ADDRESS: 1, IFNAME: 3, MTU: 4, LINK: 5, MASTER: 10, LINKINFO: 18, NET_NS_FD: 28, EXT_MASK: 29, LINK_NETNSID: 37,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
export const IFLA_BRPORT_GROUP_FWD_MASK = 31;
export const VETH_INFO_PEER = 1;
export const RTEXT_FILTER_SKIP_STATS = 0x8;

// if_addr.h
export const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
export const IFA_F = { NODAD: 0x02, NOPREFIXROUTE: 0x200 } as const;

// struct rtmsg
// biome-ignore format: columns are the table
export const RTA = {
  DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, METRICS: 8, MULTIPATH: 9, TABLE: 15, VIA: 18,
} as const;
export const RTAX_MTU = 2;
export const RTM_F = { CLONED: 0x200, LOOKUP_TABLE: 0x1000 } as const;
/** The reserved routing tables. */
export const RT_TABLE = { DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;
/** Who made a route. */
export const RTPROT = { UNSPEC: 0, KERNEL: 2, BOOT: 3, STATIC: 4, RA: 9, DHCP: 16 } as const;
/** How far away a destination is. */
export const RT_SCOPE = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
/** What becomes of a packet that takes a route. */
// biome-ignore format: columns are the table
export const RTN = {
  unspec: 0, unicast: 1, local: 2, broadcast: 3, anycast: 4, multicast: 5,
  blackhole: 6, unreachable: 7, prohibit: 8, throw: 9, nat: 10, xresolve: 11,
} as const;

// fib_rules.h
// biome-ignore format: columns are the table
export const FRA = {
  DST: 1, SRC: 2, IIFNAME: 3, PRIORITY: 6, FWMARK: 10, SUPPRESS_PREFIXLEN: 14, TABLE: 15, FWMASK: 16, OIFNAME: 17,
  PROTOCOL: 21,
} as const;
/** What a rule does with the packets that it selects. */
export const FR_ACT = { table: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
export const FIB_RULE_INVERT = 0x2;

// neighbour.h
export const NDA = { DST: 1, LLADDR: 2 } as const;
export const NTF_USE = 0x01;
/** The states of a neighbour (RFC 4861 §7.3.2, and the kernel's own). */
// biome-ignore format: columns are the table
export const NUD = {
  none: 0, incomplete: 0x01, reachable: 0x02, stale: 0x04, delay: 0x08, probe: 0x10, failed: 0x20, noarp: 0x40,
  permanent: 0x80,
} as const;

// nfnetlink.h: the subsystem is in the high byte of a message's type
export const NFNL_SUBSYS = { CTNETLINK: 1, NFTABLES: 10 } as const;

/** The multicast group that tells of changes of nf_tables. */
export const NFNLGRP_NFTABLES = 7;

// nf_tables.h
// biome-ignore format: columns are the table
export const NFT_MSG = {
  NEWTABLE: 0, DELTABLE: 2, NEWCHAIN: 3, DELCHAIN: 5, NEWRULE: 6, DELRULE: 8, NEWSET: 9, DELSET: 11,
  NEWSETELEM: 12, DELSETELEM: 14, NEWGEN: 15, GETGEN: 16, NEWOBJ: 18, DELOBJ: 20, NEWFLOWTABLE: 22, DELFLOWTABLE: 24,
} as const;
export const NFTA_GEN_ID = 1;
/** In every message but those about a generation: the name of its table. */
export const NFTA_TABLE = 1;
export const NFTA_CHAIN_NAME = 3;
export const NFTA_RULE_CHAIN = 2;

// nfnetlink_conntrack.h
export const IPCTNL_MSG_CT = { GET: 1, DELETE: 2 } as const;
export const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18, FILTER: 25 } as const;
export const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
export const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
export const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
export const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
/** Which parts of a tuple a filter looks at (nf_internals.h: bit n is the n-th part). */
export const CTA_FILTER_F = { IP_SRC: 0x01, IP_DST: 0x02, PROTO_NUM: 0x08, PROTO_DST_PORT: 0x20 } as const;
