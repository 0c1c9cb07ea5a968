/**
 * A containerd of one test file's own: configuration, root, state and sockets in a temporary directory, one image made
 * of busybox, spoken to by CRI as kubelet does. Debian's packages: containerd, runc and, for the
 * loopback that CRI sets up in each sandbox, containernetworking-plugins.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { grpcCall } from './grpc-call.ts';
import { until } from './private-node.ts';
import { decodeProtobuf, messageIn, type ProtobufFields, textIn } from './protobuf.ts';
import { sweep } from './sweep.ts';

const run = promisify(execFile);
const PREFIX = 'tenet-containerd';
/** Debian's busybox-static, as set-up has fetched it. */
const BUSYBOX = '/var/cache/tenet/busybox';
const IMAGE = 'tenet.invalid/busybox:1';
const LOOPBACK = '/usr/lib/cni/loopback';

/** A sandbox as the runtime knows it. */
interface CriPod {
  readonly id: string;
  readonly ip: string;
}

interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface PrivateContainerd extends AsyncDisposable {
  /** Makes a pod's sandbox, for which the runtime calls the network plugin; rejects with what that says. */
  runPod(pod: PodName): Promise<CriPod>;
  /** Starts a container in a pod and answers its id. */
  startContainer(pod: CriPod, name: PodName, command: readonly string[]): Promise<string>;
  /** Runs a command in a container to its end. */
  exec(container: string, ...command: string[]): Promise<{ readonly status: number; readonly output: string }>;
  /** The pods that the runtime keeps, among them those whose network failed. */
  pods(): Promise<string[]>;
  /** Ends a pod; the runtime calls the network plugin each time, later without a namespace. */
  stopPod(id: string): Promise<void>;
  /** Ends a pod and removes all of it, as kubelet does. */
  removePod(id: string): Promise<void>;
  log(): Promise<string>;
}

/** Starts containerd with the network configuration and plugins of these directories. */
export async function privateContainerd({
  configDirectory,
  binDirectory,
}: {
  readonly configDirectory: string;
  readonly binDirectory: string;
}): Promise<PrivateContainerd> {
  await using undo = new AsyncDisposableStack();
  sweep(PREFIX);
  const directory = undo.adopt(await mkdtemp(join(tmpdir(), `${PREFIX}-${process.pid}-`)), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const at = (name: string) => join(directory, name);
  const socket = at('containerd.sock');
  await symlink(LOOPBACK, join(binDirectory, 'loopback'));
  await writeFile(at('config.toml'), configuration({ directory, configDirectory, binDirectory }));
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'containerd', '--config', at('config.toml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  undo.defer(() => ended(child));
  const cri = (method: string, message: ProtobufFields) =>
    grpcCall(socket, `/runtime.v1.RuntimeService/${method}`, message);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`containerd ended with ${child.exitCode}:\n${text}`);
    return cri('Version', {}).then(
      () => true,
      () => undefined,
    );
  }, 'containerd answers');
  await importImage(directory, socket);

  const owned = undo.move();
  const configs = new Map<string, ProtobufFields>();
  async function stopPod(id: string): Promise<void> {
    await cri('StopPodSandbox', { 1: id });
  }
  async function removePod(id: string): Promise<void> {
    await stopPod(id);
    await cri('RemovePodSandbox', { 1: id });
  }
  async function pods(): Promise<string[]> {
    const listed = await cri('ListPodSandbox', {});
    return (listed.get(1) ?? []).flatMap((item) => (Buffer.isBuffer(item) ? textIn(decodeProtobuf(item), 1) : []));
  }
  return {
    async runPod(pod) {
      const config = podConfig(pod, at('logs'));
      const id = textIn(await cri('RunPodSandbox', { 1: config }), 1);
      configs.set(id, config);
      const status = messageIn(await cri('PodSandboxStatus', { 1: id }), 1);
      return { id, ip: textIn(messageIn(status, 5), 1) };
    },
    async startContainer({ id }, { name }, command) {
      const container = { 1: { 1: name, 2: 0 }, 2: { 1: IMAGE }, 3: command };
      const created = await cri('CreateContainer', { 1: id, 2: container, 3: configs.get(id) });
      const containerId = textIn(created, 1);
      await cri('StartContainer', { 1: containerId });
      return containerId;
    },
    async exec(container, ...command) {
      const answer = await cri('ExecSync', { 1: container, 2: command, 3: 20 });
      const status = answer.get(3)?.[0] ?? 0;
      return { status: Number(status), output: `${textIn(answer, 1)}${textIn(answer, 2)}` };
    },
    pods,
    stopPod,
    removePod,
    log: async () => text,
    async [Symbol.asyncDispose]() {
      for (const id of await pods()) await removePod(id).catch(() => {});
      await owned.disposeAsync();
    },
  };
}

/** PodSandboxConfig of CRI's runtime.v1. */
function podConfig({ namespace, name, uid }: PodName, logs: string): ProtobufFields {
  return { 1: { 1: name, 2: uid, 3: namespace, 4: 0 }, 3: join(logs, uid), 8: {} };
}

function configuration({
  directory,
  configDirectory,
  binDirectory,
}: {
  readonly directory: string;
  readonly configDirectory: string;
  readonly binDirectory: string;
}): string {
  const plugin = (name: string) => `[plugins."io.containerd.grpc.v1.cri"${name}]`;
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "${directory}/containerd.sock"
[ttrpc]
  address = "${directory}/containerd.sock.ttrpc"
${plugin('')}
  sandbox_image = "${IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  ${plugin('.containerd')}
    snapshotter = "native"
    default_runtime_name = "runc"
    ${plugin('.containerd.runtimes.runc')}
      runtime_type = "io.containerd.runc.v2"
      ${plugin('.containerd.runtimes.runc.options')}
        Root = "${directory}/runc"
  ${plugin('.cni')}
    bin_dir = "${binDirectory}"
    conf_dir = "${configDirectory}"
`;
}

/** An image of one layer with busybox in it, as \`docker save\` would write it: no registry is asked. */
async function importImage(directory: string, socket: string): Promise<void> {
  const image = join(directory, 'image');
  const layer = join(directory, 'layer');
  await mkdir(join(layer, 'bin'), { recursive: true });
  await mkdir(image, { recursive: true });
  await cp(BUSYBOX, join(layer, 'bin/busybox'));
  await run('tar', ['-C', layer, '-cf', join(image, 'layer.tar'), '.']);
  const digest = createHash('sha256')
    .update(await readFile(join(image, 'layer.tar')))
    .digest('hex');
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/bin/busybox'], Cmd: ['sleep', '3600'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  await writeFile(join(image, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }];
  await writeFile(join(image, 'manifest.json'), JSON.stringify(manifest));
  await run('tar', ['-C', image, '-cf', join(directory, 'image.tar'), 'manifest.json', 'config.json', 'layer.tar']);
  await run('ctr', [
    '--address',
    socket,
    '--namespace',
    'k8s.io',
    'image',
    'import',
    '--snapshotter',
    'native',
    join(directory, 'image.tar'),
  ]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
