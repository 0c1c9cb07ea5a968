/** What the switch's registers carry between tables. */
export const REGISTERS = {
  reg0: 'VNID of the source: 0 is global, and also what nobody set',
  reg1: 'VNID of the destination',
  reg2: 'port to leave by',
  reg3: '1: the answer of a service connection, which goes through the host',
} as const;

/** Ports of br0 that are the same on every node. */
export const OF_PORT = { vxlan0: 1, tun0: 2 } as const;

/** Pods' ports are the host part of their address when that is in this range and free. */
export const FIRST_POD_OF_PORT = 3;
export const LAST_POD_OF_PORT = 65_279;

/** Conntrack zone of service connections; never 0, which on the kernel datapath is the host's own. */
export const SERVICE_ZONE = 25;
