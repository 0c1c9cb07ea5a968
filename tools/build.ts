/** Bundles what a container runtime executes: one file, no package to resolve, no types to strip at every call. */
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

await build({
  entryPoints: [join(root, 'packages/cni/src/main.ts')],
  outfile: join(root, 'packages/cni/dist/tenet-cni.js'),
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  banner: { js: '// Made from packages/cni/src by tools/build.ts.' },
  logLevel: 'warning',
});
