import { errorKinds, kind } from '@tenet/std';

/** Every way in which the node's daemon fails on purpose. */
export const {
  error: agentError,
  fail: failAgent,
  table: AGENT_ERRORS,
} = errorKinds({
  CONFIG_INVALID: kind<{ file: string; problem: string }>({
    says: ({ file, problem }) => `${file}: ${problem}`,
    remedy: ({ file }) => `correct ${file}; README.md shows every setting`,
  }),
  NODE_IP_NOT_HERE: kind<{ node: string; ip: string }>({
    says: ({ node, ip }) => `no link of this machine has ${ip}, the address of HostSubnet ${node}`,
    remedy: ({ node }) => `check that this is node ${node} and that its address is configured`,
  }),
  NODE_MOVED: kind<{ node: string; was: string; is: string }>({
    says: ({ node, was, is }) => `HostSubnet ${node} says ${is} now, this node was set up for ${was} and stays so`,
    remedy: () => 'remove the pods of this node, then restart its daemon; or give the HostSubnet its old values back',
  }),
  NIC_MTU_TOO_SMALL: kind<{ link: string; mtuBytes: number; neededBytes: number; overlayBytes: number }>({
    says: ({ link, mtuBytes, neededBytes, overlayBytes }) =>
      `${link} has an MTU of ${mtuBytes} bytes, pods with ${overlayBytes} need ${neededBytes}`,
    remedy: ({ link, neededBytes }) =>
      `raise the MTU of ${link} to ${neededBytes} or lower mtu in ClusterNetwork default`,
  }),
  NIC_NOT_IN_USERSPACE_BRIDGE: kind<{ link: string; ip: string }>({
    says: ({ link, ip }) =>
      `${link}, which holds ${ip}, is no Open vSwitch bridge of the userspace datapath, so tunnels cannot leave`,
    remedy: ({ link }) =>
      `choose datapath system, or make ${link} a bridge with datapath_type=netdev that holds the NIC and the address`,
  }),
  PORT_MISPLACED: kind<{ port: string; ofPort: number; expected: number }>({
    says: ({ port, ofPort, expected }) =>
      `${port} has OpenFlow port ${ofPort} instead of ${expected}, so nothing is forwarded`,
    remedy: ({ port, expected }) =>
      `check which port of br0 holds ${expected} and remove it, or delete ${port} and let it be made again`,
  }),
  OPEN_VSWITCH_NOT_READY: kind<{ database: string }>({
    says: ({ database }) => `Open vSwitch is not connected at ${database}`,
    remedy: () => 'check that ovsdb-server and ovs-vswitchd are running on this node',
  }),
  CNI_ENVIRONMENT: kind<{ problem: string }>({
    says: ({ problem }) => problem,
    remedy: () => 'check how the container runtime calls the plugin (CNI 1.1.0, Parameters)',
  }),
  CNI_CONFIGURATION: kind<{ problem: string }>({
    says: ({ problem }) => `the network configuration on stdin ${problem}`,
    remedy: () => 'check the file in /etc/cni/net.d that names tenet-cni',
  }),
  CNI_VERSION: kind<{ version: string; supported: string }>({
    says: ({ version, supported }) => `CNI version ${version} is not supported, only ${supported}`,
    remedy: ({ supported }) => `choose a cniVersion of ${supported} in the network configuration`,
  }),
  SUBNET_FULL: kind<{ subnet: string; leases: number }>({
    says: ({ subnet, leases }) => `no address is free in this node's subnet ${subnet}: ${leases} are leased`,
    remedy: () => 'remove pods from this node, or give the cluster network a larger hostSubnetLength',
  }),
  ADDRESS_TAKEN: kind<{ ip: string; owner: string }>({
    says: ({ ip, owner }) => `the requested address ${ip} is leased to ${owner}`,
    remedy: () => 'choose another address or wait until that pod is gone',
  }),
  ADDRESS_NOT_HERE: kind<{ ip: string; subnet: string }>({
    says: ({ ip, subnet }) => `the requested address ${ip} is not one that a pod in ${subnet} can have`,
    remedy: ({ subnet }) => `choose an address of ${subnet} other than its first two and its last`,
  }),
  NO_VNID: kind<{ namespace: string; waitedMs: number }>({
    says: ({ namespace, waitedMs }) => `project ${namespace} has no VNID yet, waited ${waitedMs} ms`,
    remedy: ({ namespace }) => `check that the controller runs and that NetNamespace ${namespace} exists`,
  }),
  NETNS_MISSING: kind<{ path: string }>({
    says: ({ path }) => `the pod's network namespace ${path} does not exist`,
    remedy: () => 'check that the container runtime made the sandbox',
  }),
  NETNS_IS_HOST: kind<{ path: string }>({
    says: ({ path }) => `${path} is the node's own network namespace, not a pod's`,
    remedy: () => 'check how the container runtime makes sandboxes; pods with hostNetwork get no CNI call',
  }),
  INTERFACE_TAKEN: kind<{ ifName: string; path: string }>({
    says: ({ ifName, path }) => `${path} has an interface ${ifName} already, which is not ours`,
    remedy: ({ ifName }) => `remove ${ifName} or choose another interface name`,
  }),
  DAEMON_RUNS_ALREADY: kind<{ socket: string }>({
    says: ({ socket }) => `another daemon answers at ${socket}`,
    remedy: () => 'check that this node runs one tenet node only',
  }),
  CONNTRACK_NOT_FLUSHED: kind<{ ip: string; flushes: number }>({
    says: ({ ip, flushes }) => `the switch still tracks service connections of ${ip} after ${flushes} flushes`,
    remedy: () => 'check ovs-vswitchd; the call is safe to repeat',
  }),
  CLUSTER_NETWORK_CHANGED: kind<{ was: string; is: string }>({
    says: ({ was, is }) => `ClusterNetwork default says ${is} now, this node was set up for ${was} and stays so`,
    remedy: () => 'restart the daemons of all nodes, or give ClusterNetwork default its old values back',
  }),
  FLOWS_NOT_INSTALLED: kind<{ what: string }>({
    says: ({ what }) => `the flows of ${what} are not in the switch`,
    remedy: () => "check ovs-vswitchd and this daemon's log; the call is safe to repeat",
  }),
  CNI_TIMED_OUT: kind<{ command: string; waitedMs: number; doing: string }>({
    says: ({ command, waitedMs, doing }) => `${command} gave up after ${waitedMs} ms while ${doing}`,
    remedy: () => 'check ovsdb-server and ovs-vswitchd; the runtime will repeat the call',
  }),
});
