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
  OF_PORTS_UNSETTLED: kind<{ port: string; ofPort: number; database: number }>({
    says: ({ port, ofPort, database }) =>
      `${port} has OpenFlow port ${ofPort} in the switch and ${database} in its database, so nothing is forwarded`,
    remedy: () => 'check that ovs-vswitchd is connected to ovsdb-server',
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
  CNI_COMMAND_TOO_NEW: kind<{ command: string; since: string; version: string }>({
    says: ({ command, since, version }) =>
      `${command} is known from CNI ${since} on, the network configuration says ${version}`,
    remedy: ({ since }) => `choose a cniVersion of ${since} or later in the network configuration`,
  }),
  CONTAINER_UNKNOWN: kind<{ containerId: string; ifName: string }>({
    says: ({ containerId, ifName }) => `interface ${ifName} of container ${containerId} is not attached here`,
    remedy: () => 'remove the pod, and let the runtime attach the new one',
  }),
  ATTACHMENT_BROKEN: kind<{ problem: string }>({
    says: ({ problem }) => problem,
    remedy: () => "check again in some seconds, since ports and flows are mended; then look into this daemon's log",
  }),
  GARBAGE_LEFT: kind<{ failed: number; of: number; first: string }>({
    says: ({ failed, of, first }) => `${failed} of ${of} stale attachments could not be removed, the first: ${first}`,
    remedy: () => "check this daemon's log; the call is safe to repeat",
  }),
  NODE_NOT_READY: kind<{ reason: string; remedy: string }>({
    says: ({ reason }) => `no pod can be attached: ${reason}`,
    remedy: ({ remedy }) => remedy,
  }),
  NODE_NOT_READY_FOR_PODS: kind<{ reason: string; remedy: string; pods: number }>({
    says: ({ reason, pods }) => `no pod can be attached, and ${pods} that are here may be cut off: ${reason}`,
    remedy: ({ remedy }) => remedy,
  }),
  LEASE_NOT_WRITTEN: kind<{ verb: 'write' | 'remove'; path: string; reason: string }>({
    says: ({ verb, path, reason }) => `cannot ${verb} ${path}: ${reason}`,
    remedy: ({ path }) => `check space and permissions of the file system that holds ${path}`,
  }),
  SUBNET_FULL: kind<{ subnet: string; leases: number }>({
    says: ({ subnet, leases }) => `no address is free in this node's subnet ${subnet}: ${leases} are leased`,
    remedy: () => 'remove pods from this node, or give the cluster network a larger hostSubnetLength',
  }),
  ADDRESS_TAKEN: kind<{ ip: string; owner: string }>({
    says: ({ ip, owner }) => `the requested address ${ip} is leased to ${owner}`,
    remedy: () => 'choose another address or wait until that pod is gone',
  }),
  ADDRESS_HELD: kind<{ owner: string; ip: string; requested: string }>({
    says: ({ owner, ip, requested }) => `${owner} has the address ${ip}, and asks for ${requested}`,
    remedy: () => 'detach it with DEL, which frees its address, before ADD asks for another',
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
  NODE_STARTING: kind<{ waitsFor: string }>({
    says: ({ waitsFor }) => `the node is starting and waits for ${waitsFor}`,
    remedy: ({ waitsFor }) => `check ${waitsFor}; the daemon's log says what it tried`,
  }),
  VSWITCHD_NOT_CONNECTED: kind<{ bridge: string; socket: string }>({
    says: ({ bridge, socket }) => `ovs-vswitchd is not connected: nobody answers for ${bridge} at ${socket}`,
    remedy: () => 'check that ovs-vswitchd is running on this node; the daemon connects again by itself',
  }),
  VSWITCHD_SILENT: kind<{ waitedMs: number }>({
    says: ({ waitedMs }) => `ovs-vswitchd is connected but did not answer within ${waitedMs} ms`,
    remedy: () => 'check what ovs-vswitchd is busy with; its log and `ovs-appctl coverage/show` tell',
  }),
  PORT_MISSING: kind<{ port: string; bridge: string }>({
    says: ({ port, bridge }) => `${bridge} has no working port ${port}, so its packets go nowhere`,
    remedy: ({ port }) => `check \`ovs-vsctl list Interface ${port}\`; the daemon makes it again when it can`,
  }),
  FRAGMENT_MODE_WRONG: kind<{ mode: string; needed: string }>({
    says: ({ mode, needed }) =>
      `the switch treats IP fragments as ${mode} instead of ${needed}, so forged tunnel packets may pass`,
    remedy: () => 'restart the daemon, which sets it, and find out who else sets it with ovs-ofctl set-frags',
  }),
  FOREIGN_IPTABLES_RULES: kind<{ rules: number; variant: string; ours: string }>({
    says: ({ rules, variant, ours }) =>
      `others have ${rules} rules in iptables-${variant}, and packets pass those too: this node's are in iptables-${ours}`,
    remedy: ({ variant, ours }) =>
      `move those rules to iptables-${ours} or remove them; iptables-${variant}-save shows them`,
  }),
  HEALTH_CHECK_NOT_SERVED: kind<{ service: string; port: number }>({
    says: ({ service, port }) => `the health check of service ${service} cannot be served at port ${port}`,
    remedy: ({ service, port }) =>
      `check which program holds port ${port}, or make Service ${service} anew with another healthCheckNodePort`,
  }),
  KUBE_PROXY_RUNS: kind<{ address: string }>({
    says: ({ address }) => `another kube-proxy forwards services on this node: it answers at ${address}`,
    remedy: () => 'remove that kube-proxy from this node and restart this daemon, or choose proxy.mode none',
  }),
  SERVICES_NOT_HEARD: kind<object>({
    says: () => 'services are not forwarded yet: the API server has not listed all services, endpoints and projects',
    remedy: () => "check the API server, and that this daemon's account may list services, endpointslices and nodes",
  }),
  SERVICES_NOT_YET_FORWARDED: kind<object>({
    says: () => 'services are not forwarded yet: their rules are being written',
    remedy: () => 'wait for some seconds; the log says what was written',
  }),
  SERVICES_NOT_FORWARDED: kind<{ reason: string; remedy: string }>({
    says: ({ reason }) => `changes of services do not reach the kernel: ${reason}`,
    remedy: ({ remedy }) => remedy,
  }),
  METRICS_NOT_SERVED: kind<{ address: string }>({
    says: ({ address }) => `metrics cannot be served at ${address}`,
    remedy: ({ address }) => `check which program holds ${address}, or choose another for metrics.listen`,
  }),
  STATUS_NOT_SERVED: kind<{ socket: string }>({
    says: ({ socket }) => `the status cannot be served at ${socket}`,
    remedy: ({ socket }) => `check that the directory of ${socket} can be written`,
  }),
  DAEMON_NOT_RUNNING: kind<{ socket: string }>({
    says: ({ socket }) => `the node's daemon is not running: nobody answers at ${socket}`,
    remedy: () => 'start it with `tenet node`, or check why its DaemonSet has no running pod here',
  }),
  STATUS_UNREADABLE: kind<{ socket: string; problem: string }>({
    says: ({ socket, problem }) => `the status of the node's daemon at ${socket} cannot be read: ${problem}`,
    remedy: () => 'check that you are root and that the daemon is of the same version as this command',
  }),
  CNI_TIMED_OUT: kind<{ command: string; waitedMs: number; doing: string }>({
    says: ({ command, waitedMs, doing }) => `${command} gave up after ${waitedMs} ms while ${doing}`,
    remedy: () => 'check that ovsdb-server and ovs-vswitchd run on this node; the runtime will repeat the call',
  }),
});
