/** One node of one test file's own: a private Open vSwitch, an API server in its namespace, and `tenet node` as a process. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createNamespace, deleteNamespace, iptablesSave, listenTcp, Netlink } from '@tenet/host';
import { type KubeClient, openKubeClient } from '@tenet/kube';
import { ApiStore, startApiServer } from '@tenet/lab';
import type { ClusterNetworkObject } from '@tenet/model';
import { parseIptablesSave } from '@tenet/netfilter';
import { parseFlowDump } from '@tenet/openflow';
import { Ip, SILENT } from '@tenet/std';
import { eventually } from '../eventually.ts';
import { type PrivateOvs, privateOvs } from './private-ovs.ts';

const TENET = join(import.meta.dirname, '../../bin/tenet');
export const NODE = 'n1';
const NODE_IP = '10.122.70.72';
const IF_NAME = 'eth0';

export const CLUSTER_NETWORK: ClusterNetworkObject = {
  metadata: { name: 'default' },
  clusterNetworks: [{ CIDR: '10.128.0.0/14', hostSubnetLength: 9 }],
  serviceNetwork: '172.30.0.0/16',
  pluginName: 'redhat/openshift-ovs-multitenant',
};

/** What the plugin printed, parsed, and how it exited. */
interface CniAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at single fields of CNI's JSON.
  readonly json: any;
}

interface CniCallOptions {
  readonly command?: string;
  readonly pod: string;
  readonly netns?: string;
  readonly containerId?: string;
  readonly ips?: readonly string[];
  /** The result of the ADD, for CHECK. */
  readonly prevResult?: object;
  /** The attachments that GC leaves alone. */
  readonly valid?: readonly { readonly containerId: string }[];
  /** The newest that the network configuration offers unless told, as libcni 1.2 chooses. */
  readonly version?: string;
  /** Replaces the whole of stdin. */
  readonly stdin?: string;
}

/** A running `tenet node`. */
export interface Daemon extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Its log, a line an event. */
  lines(): { readonly message: string; readonly level: string; readonly [fact: string]: unknown }[];
  /** All that it wrote to standard error. */
  text(): string;
  /** Resolves with the exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Resolves when the container runtime may start pods; rejects when the daemon ends before. */
  ready(): Promise<void>;
}

export interface PrivateNode extends AsyncDisposable {
  readonly ovs: PrivateOvs;
  readonly kube: KubeClient;
  readonly netlink: Netlink;
  readonly leases: string;
  /** Where the daemon writes the network configuration and the plugin. */
  readonly configDirectory: string;
  readonly binDirectory: string;
  start(options?: { readonly logLevel?: string }): Promise<Daemon>;
  cni(options: CniCallOptions): Promise<CniAnswer>;
  /** A pod's namespace, gone with the node. */
  sandbox(): { readonly netns: string; readonly containerId: string };
  /** Everything on the node that a pod can leave behind: links, ports, flows, leases. */
  footprint(): Promise<{
    readonly links: string[];
    readonly ports: string[];
    readonly flows: string[];
    readonly leases: string[];
  }>;
  /** Runs `body` and asserts that it left the node as it was. */
  unchanged(body: () => Promise<void>): Promise<void>;
  /** The flows of br0 without counters, as ovs-ofctl prints them. */
  flows(): Promise<string[]>;
  rules(): Promise<ReturnType<typeof parseIptablesSave>>;
}

/** Makes a node ready for `start`: a namespace with the node's address, and the objects that its daemon waits for. */
export async function privateNode({
  clusterNetwork = CLUSTER_NETWORK,
  subnet = '10.131.2.0/29',
  nodeIp = NODE_IP,
  callSeconds = 25,
  proxy = {},
}: {
  readonly clusterNetwork?: ClusterNetworkObject;
  readonly subnet?: string;
  readonly nodeIp?: string;
  /** How long a call of the plugin may take. */
  readonly callSeconds?: number;
  /** How the daemon forwards services. */
  readonly proxy?: { readonly mode?: 'iptables' | 'nftables' | 'none' };
} = {}): Promise<PrivateNode> {
  await using undo = new AsyncDisposableStack();
  const ovs = undo.use(await privateOvs());
  const path = `/run/netns/${ovs.netns}`;
  await ovs.vsctl('add-br', 'eth0', '--', 'set', 'Bridge', 'eth0', 'datapath_type=netdev');
  const netlink = undo.use(Netlink.open(path));
  netlink.changeLink('eth0', { up: true });
  netlink.addAddress({ link: 'eth0', address: Ip.parse(NODE_IP), prefixLength: 24 });

  const store = new ApiStore({ nowMs: () => Date.now(), uid: () => crypto.randomUUID() });
  const port = 6443;
  const fds = [listenTcp({ namespace: path, address: Ip.parse('127.0.0.1'), port })];
  const server = undo.use(
    await startApiServer({
      listeners: [...fds.map((fd) => ({ fd })), { host: '127.0.0.1', port: 0 }],
      store,
      log: SILENT,
    }),
  );
  const outside = server.listeners[1]?.url ?? '';
  const kubeconfig = join(ovs.directory, 'kubeconfig');
  const ownKubeconfig = join(ovs.directory, 'kubeconfig-test');
  await writeFile(kubeconfig, kubeconfigText(`http://127.0.0.1:${port}`));
  await writeFile(ownKubeconfig, kubeconfigText(outside));
  const kube = undo.use(await openKubeClient({ kubeconfig: ownKubeconfig }));
  await kube.create('ClusterNetwork', clusterNetwork);
  await kube.create('HostSubnet', { metadata: { name: NODE }, host: NODE, hostIP: nodeIp, subnet });
  await kube.create('NetNamespace', { metadata: { name: 'alpha' }, netname: 'alpha', netid: 0x5a2 });

  const leases = join(ovs.directory, 'leases');
  const socket = join(ovs.directory, 'cni.sock');
  const configDirectory = join(ovs.directory, 'net.d');
  const binDirectory = join(ovs.directory, 'bin');
  const config = join(ovs.directory, 'config.yaml');
  await mkdir(leases, { recursive: true });
  await writeFile(
    config,
    JSON.stringify({
      nodeName: NODE,
      kubeconfig,
      datapath: 'netdev',
      openvswitch: { database: ovs.dbSocket, runDirectory: ovs.directory },
      cni: { socket, leases, configDirectory, binDirectory, callSeconds },
      proxy,
    }),
  );
  const conflist = join(configDirectory, '80-tenet.conflist');
  const mgmt = ovs.mgmt('br0');
  let sandboxes = 0;
  // biome-ignore lint/suspicious/noExplicitAny: a network configuration, of which single fields are used.
  let network: any;
  const dumpFlows = async () => {
    if (!existsSync(mgmt)) return [];
    const { stdout } = await promisify(execFile)('ovs-ofctl', ['-OOpenFlow14', '--no-stats', 'dump-flows', mgmt]);
    return parseFlowDump(stdout)
      .flows.map(({ text }) => text.trim())
      .sort();
  };

  async function footprint() {
    return {
      links: netlink
        .links()
        .map(({ name }) => name)
        .sort(),
      ports: (await ovs.vsctl('list-ports', 'br0').catch(() => '')).split('\n').filter(Boolean),
      flows: await dumpFlows(),
      leases: readdirSync(leases)
        .filter((name) => name !== 'cursor')
        .sort(),
    };
  }

  const owned = undo.move();
  return {
    ovs,
    kube,
    netlink,
    leases,
    configDirectory,
    binDirectory,
    async start({ logLevel = 'info' } = {}) {
      const command = [TENET, 'node', '--config', config, '--log-level', logLevel];
      const child = spawn('nsenter', [`--net=${path}`, ...command], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let text = '';
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
      const daemon: Daemon = {
        child,
        ended,
        text: () => text,
        lines: () =>
          text
            .split('\n')
            .filter((line) => line.startsWith('{'))
            .map((line) => JSON.parse(line)),
        async ready() {
          await until(() => {
            if (child.exitCode !== null) throw new Error(`tenet node ended with ${child.exitCode}:\n${text}`);
            return existsSync(conflist) && text.includes('node is ready') ? true : undefined;
          }, 'the node is ready');
        },
        async [Symbol.asyncDispose]() {
          if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
          await ended;
        },
      };
      return daemon;
    },
    async cni({ command = 'ADD', pod, netns = '', containerId = randomBytes(32).toString('hex'), ...input }) {
      // The network is withdrawn while there is no daemon, but a runtime may have read it before.
      if (existsSync(conflist)) network = JSON.parse(readFileSync(conflist, 'utf8'));
      const { plugins, cniVersions, name: networkName } = network;
      const [plugin] = plugins;
      const [namespace, name] = pod.split('/');
      const { ips, prevResult, valid, version = cniVersions.at(-1) } = input;
      const configuration = JSON.stringify({
        ...plugin,
        name: networkName,
        cniVersion: version,
        prevResult,
        ...(ips && { runtimeConfig: { ips } }),
        ...(valid && {
          'cni.dev/valid-attachments': valid.map((each) => ({ containerID: each.containerId, ifname: IF_NAME })),
        }),
      });
      const environment = {
        CNI_COMMAND: command,
        CNI_CONTAINERID: containerId,
        CNI_NETNS: netns,
        CNI_IFNAME: IF_NAME,
        CNI_PATH: binDirectory,
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
      };
      const child = spawn(join(binDirectory, plugin.type), { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        printed += chunk;
      });
      child.stdin.on('error', () => {});
      child.stdin.end(input.stdin ?? configuration);
      const [status] = await once(child, 'close');
      return { status, json: printed === '' ? undefined : JSON.parse(printed) };
    },
    sandbox() {
      const netns = `/run/netns/${ovs.netns}-pod${++sandboxes}`;
      createNamespace(netns);
      owned.defer(() => void deleteNamespace(netns));
      return { netns, containerId: randomBytes(32).toString('hex') };
    },
    footprint,
    async unchanged(body) {
      const before = await footprint();
      await body();
      assert.deepEqual(await footprint(), before);
    },
    flows: dumpFlows,
    rules: async () => parseIptablesSave(await iptablesSave({ namespace: path })),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function kubeconfigText(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    users: [{ name: 'test', user: {} }],
    'current-context': 'test',
  });
}

/** `eventually`, with room for a machine that is busy with other tests. */
export function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  deadlineMs = 20_000,
): Promise<T> {
  return eventually(look, { what, deadlineMs });
}
