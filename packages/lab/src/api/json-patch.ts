import { isJsonObject, isSameJson, type Json } from './json.ts';
import { StatusError } from './status.ts';

/** One operation of RFC 6902 §4. */
interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[] | undefined;
  readonly value: Json | undefined;
}

/** Applies a JSON patch (RFC 6902): all of its operations, or none (a failing `test` and a missing path are Invalid). */
export function jsonPatch(document: Json, patch: Json): Json {
  if (!Array.isArray(patch)) throw new StatusError('BadRequest', 'a JSON patch is an array of operations');
  let result = document;
  for (const item of patch) result = apply(result, operationOf(item));
  return result;
}

function apply(document: Json, { op, path, from = [], value }: Operation): Json {
  switch (op) {
    case 'add':
      return add(document, path, needed(value, op));
    case 'remove':
      return remove(document, path);
    case 'replace':
      return path.length === 0 ? needed(value, op) : add(remove(document, path), path, needed(value, op));
    case 'move':
      if (path.length > from.length && from.every((key, i) => key === path[i])) {
        throw new StatusError('Invalid', `a value cannot be moved into itself: ${pointerOf(path)}`);
      }
      return add(remove(document, from), path, valueAtPointer(document, from));
    case 'copy':
      return add(document, path, valueAtPointer(document, from));
    case 'test':
      if (isSameJson(valueAtPointer(document, path), needed(value, op))) return document;
      throw new StatusError('Invalid', `testing value ${pointerOf(path)} failed`);
    default:
      throw new StatusError('BadRequest', `${op} is not an operation of a JSON patch`);
  }
}

function add(document: Json, path: readonly string[], value: Json): Json {
  return change(
    document,
    path,
    (parent, key) => {
      if (Array.isArray(parent)) {
        const at = key === '-' ? parent.length : indexOf(key, parent.length + 1, path);
        return parent.toSpliced(at, 0, value);
      }
      return { ...(isJsonObject(parent) ? parent : {}), [key]: value };
    },
    () => value,
  );
}

function remove(document: Json, path: readonly string[]): Json {
  return change(
    document,
    path,
    (parent, key) => {
      if (Array.isArray(parent)) return parent.toSpliced(indexOf(key, parent.length, path), 1);
      if (!isJsonObject(parent) || !Object.hasOwn(parent, key)) throw missing(path);
      const { [key]: _, ...rest } = parent;
      return rest;
    },
    () => null,
  );
}

/** Rebuilds the containers on the way to a pointer; the rest is shared. */
function change(
  document: Json,
  path: readonly string[],
  edit: (parent: Json, key: string) => Json,
  root: () => Json,
  at = 0,
): Json {
  const key = path[at];
  if (key === undefined) return root();
  if (typeof document !== 'object' || document === null) throw missing(path);
  if (at === path.length - 1) return edit(document, key);
  if (Array.isArray(document)) {
    const index = indexOf(key, document.length, path);
    return document.with(index, change(document[index] ?? null, path, edit, root, at + 1));
  }
  if (!isJsonObject(document) || !Object.hasOwn(document, key)) throw missing(path);
  return { ...document, [key]: change(document[key] ?? null, path, edit, root, at + 1) };
}

function valueAtPointer(document: Json, path: readonly string[]): Json {
  let value: Json | undefined = document;
  for (const key of path) {
    if (Array.isArray(value)) value = value[indexOf(key, value.length, path)];
    else if (isJsonObject(value) && Object.hasOwn(value, key)) value = value[key];
    else throw missing(path);
  }
  return value ?? null;
}

/** RFC 6901 §4: digits without leading zeros. */
function indexOf(key: string, length: number, path: readonly string[]): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : length;
  if (index >= length) throw missing(path);
  return index;
}

function operationOf(item: Json): Operation {
  if (!isJsonObject(item) || typeof item.op !== 'string') {
    throw new StatusError('BadRequest', 'an operation of a JSON patch has an op and a path');
  }
  const from = item.from;
  return {
    op: item.op,
    path: pointer(item.path),
    from: from === undefined ? undefined : pointer(from),
    value: item.value,
  };
}

/** RFC 6901 §3: `~1` is a slash and `~0` a tilde. */
function pointer(text: Json | undefined): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) {
    throw new StatusError('BadRequest', `${JSON.stringify(text)} is not a JSON pointer`);
  }
  return text
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function pointerOf(path: readonly string[]): string {
  return path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function needed(value: Json | undefined, op: string): Json {
  if (value === undefined) throw new StatusError('BadRequest', `${op} needs a value`);
  return value;
}

function missing(path: readonly string[]): StatusError {
  return new StatusError('Invalid', `the path ${pointerOf(path)} does not exist`);
}
