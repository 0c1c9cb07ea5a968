/** What a kernel is booted with: the program `init`, a static shell for it, and the modules that lead to the root. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface InitramfsOptions {
  /** An unpacked kernel package, and what `uname -r` says of it. */
  readonly kernel: string;
  readonly release: string;
  /** Where to make it. */
  readonly directory: string;
}

/** Debian's busybox-static, as set-up has fetched it. */
const BUSYBOX = '/var/cache/tenet/busybox';

/** A root that comes over 9p, with an overlay; all other modules are loaded from there. */
const MODULES = ['9pnet_virtio', 'virtio_pci', '9p', 'overlay'];

/** Makes the archive that the kernel unpacks, and returns its path. */
export function makeInitramfs({ kernel, release, directory }: InitramfsOptions): string {
  const tree = join(directory, 'initramfs');
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'lower', 'upper', 'root'])
    mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(BUSYBOX, join(tree, 'bin/busybox'));
  copyFileSync(join(import.meta.dirname, 'init'), join(tree, 'init'));
  chmodSync(join(tree, 'init'), 0o755);
  for (const [at, path] of modulePaths(kernel, release).entries())
    copyFileSync(path, join(tree, 'modules', `${String(at).padStart(2, '0')}-${basename(path)}`));
  const archive = `${tree}.cpio`;
  const names = execFileSync('find', ['.'], { cwd: tree });
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  const pack = { cwd: tree, input: names, maxBuffer: 1 << 28, stdio: [...stdio] };
  writeFileSync(archive, execFileSync(BUSYBOX, ['cpio', '-o', '-H', 'newc'], pack));
  return archive;
}

/** The files of the modules and of what they depend on, in the order in which they can be loaded. */
function modulePaths(kernel: string, release: string): string[] {
  const args = ['-d', kernel, '-S', release, '--show-depends', '-a', ...MODULES];
  const steps = execFileSync('modprobe', args, { encoding: 'utf8' }).split('\n');
  return [...new Set(steps.flatMap((step) => /^insmod (\S+)/.exec(step)?.[1] ?? []))];
}
