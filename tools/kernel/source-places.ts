import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, join, relative } from 'node:path';

/**
 * Rewrites places in bundles as places in their sources, as a stack trace names them: `DIRECTORY/NAME.js:LINE:COLUMN`
 * becomes `test/e2e/NAME.ts:LINE:COLUMN`. The maps, `NAME.js.map`, are read when they are first needed.
 */
export function sourcePlaces({ bundles, root }: { readonly bundles: string; readonly root: string }) {
  const maps = new Map<string, SourceMap | undefined>();

  function mapOf(name: string): SourceMap | undefined {
    if (!maps.has(name)) {
      const file = join(bundles, `${name}.map`);
      maps.set(name, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
    }
    return maps.get(name);
  }

  return (line: string): string =>
    line.replace(/(?:file:\/\/)?(\/[^\s():]+\.js):(\d+):(\d+)/g, (place, file: string, lineNumber, column) => {
      const origin = file.startsWith(`${bundles}/`)
        ? mapOf(basename(file))?.findOrigin(Number(lineNumber), Number(column))
        : undefined;
      if (origin === undefined || !('fileName' in origin)) return place;
      return `${relative(root, join(bundles, origin.fileName))}:${origin.lineNumber}:${origin.columnNumber}`;
    });
}
