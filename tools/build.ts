/**
 * Bundles what is loaded at once and whole. What a container runtime executes: one file, no package to resolve, no types
 * to strip at every call. And of the Kubernetes client what reads credentials, without its models of the whole API:
 * they are 60 MB of memory in every daemon, which speaks to the API by itself.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');
const kube = join(root, 'packages/kube');

const TOGETHER = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** What only the calls need that nobody makes: the generated API, and the client of `fetch`. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  './gen/index.js': 'export const createConfiguration = undefined, ServerConfiguration = undefined;',
  undici: 'export const Agent = undefined, ProxyAgent = undefined;',
};

const leaveOut: Plugin = {
  name: 'leave out',
  setup(builder) {
    builder.onResolve({ filter: /./ }, ({ path, importer }) =>
      path in LEFT_OUT && importer.endsWith('client-node/dist/config.js') ? { path, namespace: 'left out' } : undefined,
    );
    builder.onLoad({ filter: /./, namespace: 'left out' }, ({ path }) => ({ contents: LEFT_OUT[path] ?? '' }));
  },
};

await build({
  ...TOGETHER,
  stdin: { contents: "export { KubeConfig } from '@kubernetes/client-node/dist/config.js';", resolveDir: kube },
  format: 'esm',
  outfile: join(kube, 'dist/kube-config.js'),
  plugins: [leaveOut],
  // Some of its packages are CommonJS and ask for Node.js' own modules.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
});
await writeFile(join(kube, 'dist/kube-config.d.ts'), "export { KubeConfig } from '@kubernetes/client-node';\n");
// Last: set-up takes its age for that of all.
await build({
  ...TOGETHER,
  entryPoints: [join(root, 'packages/cni/src/main.ts')],
  // An import of node:http evaluates all that it exports, a WebSocket client among it: 80 ms of processor at every call.
  format: 'cjs',
  outfile: join(root, 'packages/cni/dist/tenet-cni.cjs'),
  banner: { js: '// Made from packages/cni/src by tools/build.ts.' },
});
