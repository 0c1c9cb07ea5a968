import { isJsonObject, type Json } from './json.ts';

/** Applies a JSON merge patch (RFC 7386 §2): null removes, objects are merged, anything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json | undefined> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) define(merged, key, mergePatch(ownValue(merged, key), value));
  }
  return merged;
}

function ownValue(object: Readonly<Record<string, Json | undefined>>, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A key named `__proto__` is a key like any other. */
function define(object: Record<string, Json | undefined>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
