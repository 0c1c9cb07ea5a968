import type { ResourceId } from './resources.ts';

/** What the path of a request names. */
export interface RequestPath extends ResourceId {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const OF_A_NAMESPACE = ['status', 'finalize'];

/**
 * Reads `/api/v1/…` and `/apis/GROUP/VERSION/…` below the version; undefined when it names nothing. `namespaces/x/status`
 * is the namespace's own subresource, `namespaces/x/pods` the pods in it.
 */
export function parseRequestPath(pathname: string): RequestPath | undefined {
  const parts = decoded(pathname);
  if (parts === undefined || parts.includes('')) return undefined;
  const [root, ...below] = parts;
  const [group, version, ...rest] = root === 'api' ? ['', ...below] : root === 'apis' ? below : [];
  if (group === undefined || version === undefined) return undefined;
  const [first, second, third] = rest;
  const isScoped = first === 'namespaces' && third !== undefined && !OF_A_NAMESPACE.includes(third);
  const [plural, name, subresource, ...tooMany] = isScoped ? rest.slice(2) : rest;
  if (plural === undefined || tooMany.length > 0) return undefined;
  return {
    group,
    version,
    plural,
    ...(isScoped && second !== undefined ? { namespace: second } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** A trailing slash is no part; an escape that makes no sense makes no path. */
function decoded(pathname: string): string[] | undefined {
  try {
    return pathname.replace(/\/$/, '').split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
