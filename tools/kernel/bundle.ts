/** One file each of what runs in the kernel's machine, where stripping types and finding packages would take minutes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin, stop } from 'esbuild';

export interface Bundles {
  /** Sources, by the name of the file that is made of each, without its ending. */
  readonly entries: Readonly<Record<string, string>>;
  /** Where they are made, `NAME.js` each. */
  readonly directory: string;
}

/** Bundles each entry with all that it imports; what they share is made once, in files of its own. */
export async function bundle({ entries, directory }: Bundles): Promise<void> {
  // Says what they are, so that Node need not find out.
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  await build({
    entryPoints: { ...entries },
    outdir: directory,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // What is not there need not be read: every process reads all of it.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    sourcemap: 'external',
    // A native addon, which finds its binary beside itself.
    external: ['koffi', 'esbuild'],
    plugins: [ownPlaces({ entries, directory })],
    // Packages in CommonJS ask for Node's own modules this way.
    banner: {
      js: "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);",
    },
    logLevel: 'warning',
  });
  // Else its own process stays until this one ends.
  await stop();
}

/** A source finds files from where it is: in a bundle it is still there. A source that it forks is that one's bundle. */
function ownPlaces({ entries, directory }: Bundles): Plugin {
  const made = new Map(Object.entries(entries).map(([name, source]) => [source, join(directory, `${name}.js`)]));
  const urlOf = (path: string) => JSON.stringify(pathToFileURL(path).href);
  return {
    name: 'own-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        loader: 'ts',
        contents: readFileSync(path, 'utf8')
          .replace(/new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g, (whole, relative: string) => {
            const bundled = made.get(join(dirname(path), relative));
            return bundled === undefined ? whole : `new URL(${urlOf(bundled)})`;
          })
          .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
          .replaceAll('import.meta.url', urlOf(path)),
        resolveDir: dirname(path),
      }));
    },
  };
}
