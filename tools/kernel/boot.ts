/**
 * A machine of its own for tests that need another kernel: qemu without any hardware's help, so it runs wherever tests
 * run, 10 to 20 times slower. Its root is this machine's, and nothing that is written there stays.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface BootOptions {
  /** An unpacked kernel package, and what `uname -r` says of it. */
  readonly kernel: string;
  readonly release: string;
  /** The archive whose first program is `init`. */
  readonly initramfs: string;
  /** Directories that are to be seen in the machine although they are below `/tmp` or `/run`, which are empty there. */
  readonly keep: readonly string[];
  /** The path of a shell script, which gets no standard input. The machine ends with it. */
  readonly script: string;
  /** Of the emulator; ours unless told. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Gets each line that comes out of the machine: the script's, and complaints of its kernel. */
  readonly onLine: (line: string) => void;
  /** How long the machine may say nothing. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

const MEMORY_MIB = 4096;

/**
 * Boots the machine and runs the script in it; returns the script's exit status. Rejects when the machine ends without
 * one (a panic, a full disk), when it falls silent, and with the signal's reason.
 */
export async function boot(options: BootOptions): Promise<number> {
  const { environment = process.env, onLine, silenceMs, signal } = options;
  // Whatever ends this process ends its machine, too.
  const command = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...qemuArguments(options)];
  const qemu = spawn('setpriv', command, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(qemu, 'close');
  let why: unknown;
  const stop = (reason: unknown) => {
    why ??= reason;
    qemu.kill('SIGKILL');
  };
  const silence = setTimeout(() => stop(new Error(`it has said nothing for ${silenceMs / 1000} s`)), silenceMs);
  const abort = () => stop(signal.reason);
  signal.addEventListener('abort', abort);
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
  }
  if (why !== undefined) throw why;
  if (status === undefined)
    throw new Error(`it ended (qemu with ${qemu.exitCode ?? qemu.signalCode}) before its script did`);
  return status;
}

function qemuArguments({ kernel, release, initramfs, keep, script }: BootOptions): string[] {
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
    `tenet.script=${script}`,
  ].join(' ');
  return [
    // Each instruction takes two nanoseconds of the machine's own time, however long it takes to emulate: in there nothing is
    // slow, not even when others want this machine's CPUs. Only waiting takes as long as it does out here.
    ...['-accel', 'tcg,thread=single', '-icount', 'shift=1', '-cpu', 'max', '-smp', '1', '-m', String(MEMORY_MIB)],
    ...['-display', 'none', '-no-reboot', '-nodefaults', '-serial', 'stdio'],
    ...['-kernel', join(kernel, `boot/vmlinuz-${release}`), '-initrd', initramfs, '-append', cmdline],
    ...['-virtfs', 'local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap'],
  ];
}
