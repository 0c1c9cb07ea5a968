/**
 * A machine of its own for tests that need another kernel: qemu without any hardware's help, so it runs wherever tests
 * run, 10 to 20 times slower. Its root is this machine's, and nothing that is written there stays.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface BootOptions {
  /** An unpacked kernel package. */
  readonly kernel: string;
  /** An empty directory for what the machine is booted from. */
  readonly directory: string;
  /** Directories that are to be seen in the machine although they are below `/tmp` or `/run`, which are empty there. */
  readonly keep: readonly string[];
  /** A shell command, without standard input. The machine ends with it. */
  readonly command: string;
  /** Gets each line that comes out of the machine: the command's, and complaints of its kernel. */
  readonly onLine: (line: string) => void;
  /** How long the machine may say nothing. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** What the first program needs to get at the root; all else is loaded from there. */
const MODULES = ['9pnet_virtio', 'virtio_pci', '9p', 'overlay'];
const CPUS = 2;
const MEMORY_MIB = 4096;

/**
 * Boots the machine and runs the command in it; returns the command's exit status. Rejects when the machine ends without
 * one (a panic, a full disk), when it falls silent, and with the signal's reason.
 */
export async function boot(options: BootOptions): Promise<number> {
  const { kernel, directory, onLine, silenceMs, signal } = options;
  const [release = ''] = readdirSync(join(kernel, 'lib/modules'));
  const initramfs = makeInitramfs({ kernel, release, directory });
  const qemu = spawn('qemu-system-x86_64', qemuArguments(options, { release, initramfs }), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(qemu, 'close');
  let why: unknown;
  const stop = (reason: unknown) => {
    why ??= reason;
    qemu.kill('SIGKILL');
  };
  const silence = setTimeout(() => stop(new Error(`it has said nothing for ${silenceMs / 1000} s`)), silenceMs);
  const abort = () => stop(signal.reason);
  signal.addEventListener('abort', abort);
  // Whoever ends this process ends its machine.
  const end = () => qemu.kill('SIGKILL');
  process.once('exit', end);
  let status: number | undefined;
  try {
    for await (const line of createInterface(qemu.stdout)) {
      silence.refresh();
      const [, said] = /^init: exit status (\d+)$/.exec(line) ?? [];
      if (said === undefined) onLine(line);
      else status = Number(said);
    }
    await closed;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', abort);
    process.off('exit', end);
  }
  if (why !== undefined) throw why;
  if (status === undefined)
    throw new Error(`it ended (qemu with ${qemu.exitCode ?? qemu.signalCode}) before its command did`);
  return status;
}

interface Made {
  readonly release: string;
  readonly initramfs: string;
}

function qemuArguments({ kernel, keep, command }: BootOptions, { release, initramfs }: Made): string[] {
  const cmdline = [
    'console=ttyS0',
    'quiet',
    // A panic ends the machine at once.
    'panic=-1',
    // Nobody attacks it, and guarding costs an emulated CPU more than any other.
    'mitigations=off',
    'audit=0',
    `tenet.modules=${join(kernel, 'lib/modules')}`,
    `tenet.keep=${keep.join(',')}`,
    `tenet.command=${Buffer.from(command).toString('base64')}`,
  ].join(' ');
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', String(CPUS), '-m', String(MEMORY_MIB)],
    ...['-display', 'none', '-no-reboot', '-nodefaults', '-serial', 'stdio'],
    ...['-kernel', join(kernel, `boot/vmlinuz-${release}`), '-initrd', initramfs, '-append', cmdline],
    ...['-virtfs', 'local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap'],
  ];
}

/** The archive that the kernel unpacks and whose `init` it runs. */
function makeInitramfs({
  kernel,
  release,
  directory,
}: Pick<BootOptions, 'kernel' | 'directory'> & { readonly release: string }): string {
  const tree = join(directory, 'initramfs');
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'lower', 'upper', 'root'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync('/bin/busybox', join(tree, 'bin/busybox'));
  copyFileSync(join(import.meta.dirname, 'init'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  for (const [at, path] of modulePaths(kernel, release).entries())
    copyFileSync(path, join(tree, 'modules', `${String(at).padStart(2, '0')}-${basename(path)}`));
  const archive = join(directory, 'initramfs.cpio');
  const names = execFileSync('find', ['.'], { cwd: tree });
  const packed = execFileSync('/bin/busybox', ['cpio', '-o', '-H', 'newc'], {
    cwd: tree,
    input: names,
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  writeFileSync(archive, packed);
  return archive;
}

/** The files of the modules and of what they depend on, in the order in which they can be loaded. */
function modulePaths(kernel: string, release: string): string[] {
  const args = ['-d', kernel, '-S', release, '--show-depends', '-a', ...MODULES];
  const steps = execFileSync('modprobe', args, { encoding: 'utf8' }).split('\n');
  return [...new Set(steps.flatMap((step) => /^insmod (\S+)/.exec(step)?.[1] ?? []))];
}
