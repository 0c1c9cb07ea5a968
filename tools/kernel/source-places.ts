import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceOrigin } from 'node:module';
import { basename, join, relative } from 'node:path';

const PLACE = /(?:file:\/\/)?(\/[^\s():]+\.js):(\d+):(\d+)/g;

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
    line.replace(PLACE, (place: string, file: string, lineNumber: string, columnNumber: string) => {
      const origin = file.startsWith(`${bundles}/`)
        ? mapOf(basename(file))?.findOrigin(Number(lineNumber), Number(columnNumber))
        : undefined;
      if (origin === undefined || !isFound(origin)) return place;
      return `${relative(root, join(bundles, origin.fileName))}:${origin.lineNumber}:${origin.columnNumber}`;
    });
}

/** An empty object says that nothing in the source is at that place. */
function isFound(origin: SourceOrigin | object): origin is SourceOrigin {
  return 'fileName' in origin;
}
