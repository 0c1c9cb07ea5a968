/** A lab of one test file's own, in a state directory of its own, driven by the `tenet` command as a user would. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type KubeClient, openKubeClient } from '@tenet/kube';
import {
  type Datapath,
  type LabPaths,
  namespaceOf,
  type Outcome,
  openLab,
  type ProbeFrom,
  type ProxyMode,
  probeFrom,
  readDropCounters,
} from '@tenet/lab';
import { connectSwitch } from '@tenet/openflow/connection';
import type { DropClass } from '@tenet/pipeline';
import { Ip, Mac } from '@tenet/std';
import { PATIENCE } from '../eventually.ts';

const run = promisify(execFile);

const TENET = join(import.meta.dirname, '../../bin/tenet');

/** A pod of the lab as a test needs it. */
export interface LabPod {
  /** `alpha/web`. */
  readonly name: string;
  readonly node: string;
  readonly ip: Ip;
  readonly mac: Mac;
  readonly vnid: number;
  /** The path of its network namespace. */
  readonly netns: string;
}

export interface PrivateLab extends AsyncDisposable {
  readonly datapath: Datapath;
  readonly proxy: ProxyMode;
  readonly paths: LabPaths;
  readonly kube: KubeClient;
  /** A pod by `namespace/name`, as it is now. */
  pod(name: string): Promise<LabPod>;
  /** The network namespace of `node/NAME`, `pod/NS/NAME` or `outside`. */
  netns(target: string): string;
  /** One request from `node/NAME`, `pod/NS/NAME` or `outside`, and what became of it. */
  probe(place: string, target: ProbeFrom): Promise<Outcome>;
  /** How many packets br0 of a node has dropped, by class. */
  drops(node: string): Promise<ReadonlyMap<DropClass, number>>;
  /** Runs the `tenet` command on this lab; its standard output. Rejects when it fails. */
  tenet(...args: string[]): Promise<string>;
  /** Runs a program in a namespace; its standard output. */
  inNetns(target: string, program: string, ...args: string[]): Promise<string>;
}

export interface PrivateLabOptions {
  /** What the rules of services are made of; as `lab up` has it unless told. A lab that is shared is as it is. */
  readonly proxy?: ProxyMode;
}

/**
 * Brings a lab up. Disposing of it takes it down. Where bringing up takes long all files share the one in the directory
 * TENET_TEST_LAB, which then stays.
 */
export async function privateLab({ proxy }: PrivateLabOptions = {}): Promise<PrivateLab> {
  const shared = process.env.TENET_TEST_LAB;
  const state = shared ?? (await mkdtemp(join(tmpdir(), 'tenet-lab-')));
  const tenet = async (...args: string[]): Promise<string> => {
    const [noun = '', verb = '', ...rest] = args;
    const { stdout } = await run(TENET, [noun, verb, '--state', state, ...rest], { maxBuffer: 1 << 26 });
    return stdout;
  };
  if (shared === undefined) {
    const startMs = performance.now();
    await tenet('lab', 'up', '--detach', ...(proxy === undefined ? [] : ['--proxy', proxy]));
    console.log(`# lab up in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  }
  const lab = openLab(state);
  const kube = await openKubeClient({ kubeconfig: lab.paths.kubeconfig });
  const netns = (target: string) => namespaceOf(lab, target);

  return {
    paths: lab.paths,
    datapath: lab.settings.datapath,
    proxy: lab.settings.proxy,
    kube,
    tenet,
    netns,
    probe: (place, target) => probeFrom(lab, place, target),
    async pod(name) {
      const [namespace = '', own = ''] = name.split('/');
      const [object, project] = await Promise.all([
        kube.get('Pod', { namespace, name: own }),
        kube.get('NetNamespace', { name: namespace }),
      ]);
      const { podIP } = object?.status ?? {};
      if (podIP === undefined || project === undefined) throw new RangeError(`the pod ${name} is not ready`);
      const ip = Ip.parse(podIP);
      const node = object?.spec.nodeName ?? '';
      return { name, node, ip, mac: Mac.fromIpv4(ip), vnid: project.netid, netns: netns(`pod/${name}`) };
    },
    async drops(node) {
      const path = join(lab.paths.node(node).ovs, 'br0.mgmt');
      await using connection = await connectSwitch({ path, signal: AbortSignal.timeout(10_000 * PATIENCE) });
      const counters = await readDropCounters(connection);
      return new Map([...counters].map(([dropClass, packets]) => [dropClass, Number(packets)]));
    },
    async inNetns(target, program, ...args) {
      const { stdout } = await run('nsenter', [`--net=${netns(target)}`, program, ...args], { maxBuffer: 1 << 26 });
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await kube[Symbol.asyncDispose]();
      if (shared !== undefined) return;
      await tenet('lab', 'down');
      await rm(state, { recursive: true, force: true });
    },
  };
}
