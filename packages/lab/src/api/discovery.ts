import type { JsonObject } from './json.ts';
import { apiVersionOfResource, type ResourceSpec, type ResourceTable } from './resources.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** `/version`: what kubectl and controllers take for the age of the cluster. */
export const VERSION: JsonObject = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+tenet-lab',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};

/** `/api`: the versions of the core group. */
export const CORE_VERSIONS: JsonObject = { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };

/** `/apis`: every other group. */
export function groupList(table: ResourceTable): JsonObject {
  const names = new Set(table.all.map(({ group }) => group).filter((group) => group !== ''));
  const groups = [...names].map((name) => groupOf(table, name)).filter((group) => group !== undefined);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `/apis/GROUP`. */
export function groupDocument(table: ResourceTable, name: string): JsonObject | undefined {
  const group = groupOf(table, name);
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...group };
}

function groupOf(table: ResourceTable, name: string): JsonObject | undefined {
  const versions = new Set(table.all.filter(({ group }) => group === name).map(({ version }) => version));
  const served = [...versions].map((version) => ({ groupVersion: `${name}/${version}`, version }));
  const [preferredVersion] = served;
  return preferredVersion && { name, versions: served, preferredVersion };
}

/** `/api/v1`, `/apis/GROUP/VERSION`. */
export function resourceList(table: ResourceTable, { group, version }: { group: string; version: string }) {
  const resources = table.all.filter((spec) => spec.group === group && spec.version === version);
  if (resources.length === 0) return undefined;
  const groupVersion = apiVersionOfResource({ group, version, plural: '' });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(entries) };
}

function entries({ plural, singular, namespaced, kind, shortNames, hasStatus }: ResourceSpec): JsonObject[] {
  const at = { namespaced, kind };
  const main = { name: plural, singularName: singular, ...at, verbs: VERBS, shortNames };
  return hasStatus
    ? [main, { name: `${plural}/status`, singularName: '', ...at, verbs: ['get', 'patch', 'update'] }]
    : [main];
}
