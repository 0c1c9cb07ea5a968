import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { failLab } from '../errors.ts';

/** Where everything of one lab is. All of it follows from the state directory. */
export interface LabPaths {
  readonly state: string;
  /** Eight hex digits from the directory: part of each namespace's name, so that two labs never meet. */
  readonly id: string;
  /** The settings; whoever makes this file owns the directory. */
  readonly settings: string;
  /** The record of what was made outside of the directory. */
  readonly record: string;
  readonly kubeconfig: string;
  readonly logs: string;
  /** What the API server keeps. */
  readonly store: string;
  /** What the kubelet keeps, a file a pod. */
  readonly pods: string;
  readonly nodes: string;
  /** The names in the directory that the lab makes, and removes. */
  readonly entries: readonly string[];
  log(name: string): string;
  node(name: string): NodePaths;
  /** The network namespace of `underlay`, `outside` or a node. */
  namespace(name: string): string;
  /** The network namespace of a pod; the UID tells two pods of one name apart. */
  podNamespace(pod: { readonly namespace: string; readonly name: string; readonly uid: string }): string;
}

interface NodePaths {
  readonly directory: string;
  /** The agent's configuration. */
  readonly configuration: string;
  /** OVS_RUNDIR: database, sockets, logs. */
  readonly ovs: string;
  readonly database: string;
  readonly databaseSocket: string;
  readonly unixctl: string;
  readonly cni: {
    readonly socket: string;
    readonly leases: string;
    readonly configDirectory: string;
    readonly binDirectory: string;
  };
}

/** Where network namespaces have names, for iproute2 and for container runtimes. */
const NETNS_DIRECTORY = '/run/netns';

/** The paths of the lab whose state is in this absolute directory. */
export function labPaths(state: string): LabPaths {
  const id = createHash('sha256').update(state).digest('hex').slice(0, 8);
  const at = (name: string) => join(state, name);
  const namespace = (name: string) => `${NETNS_DIRECTORY}/tenet-${id}-${name}`;
  return {
    state,
    id,
    settings: at(ENTRIES.settings),
    record: at(ENTRIES.record),
    kubeconfig: at(ENTRIES.kubeconfig),
    logs: at(ENTRIES.logs),
    store: at(ENTRIES.store),
    pods: at(ENTRIES.pods),
    nodes: at(ENTRIES.nodes),
    entries: Object.values(ENTRIES),
    log: (name) => join(state, ENTRIES.logs, `${name}.log`),
    node: (name) => nodePaths(join(state, ENTRIES.nodes, name)),
    namespace,
    podNamespace: (pod) => namespace(`${`${pod.namespace}-${pod.name}`.slice(0, 200)}-${pod.uid.slice(0, 8)}`),
  };
}

const ENTRIES = {
  record: 'made.jsonl',
  kubeconfig: 'kubeconfig',
  logs: 'logs',
  store: 'store',
  pods: 'pods',
  nodes: 'nodes',
  // Last: while it is there, the directory is a lab's and `down` can be repeated.
  settings: 'lab.json',
} as const;

function nodePaths(directory: string): NodePaths {
  const at = (...names: string[]) => join(directory, ...names);
  return {
    directory,
    configuration: at('config.yaml'),
    ovs: at('ovs'),
    database: at('ovs', 'conf.db'),
    databaseSocket: at('ovs', 'db.sock'),
    unixctl: at('ovs', 'ovs-vswitchd.ctl'),
    cni: {
      socket: at('cni.sock'),
      leases: at('leases'),
      configDirectory: at('net.d'),
      binDirectory: at('cni-bin'),
    },
  };
}

/** `sun_path` holds 108 bytes with the zero at the end (unix(7)). */
const SOCKET_PATH_LIMIT_BYTES = 107;

/** Refuses a directory whose sockets no program could open. */
export function checkSocketPaths(paths: LabPaths, nodeNames: readonly string[]): void {
  for (const name of nodeNames) {
    const path = paths.node(name).unixctl;
    if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT_BYTES)
      failLab('STATE_PATH_TOO_LONG', { path, limitBytes: SOCKET_PATH_LIMIT_BYTES });
  }
}
