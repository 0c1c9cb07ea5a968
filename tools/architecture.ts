/** Which package stands on which: a package may import from lower rows only. ARCHITECTURE.md draws this table. */
export const ROWS: readonly (readonly string[])[] = [
  ['std'],
  ['model'],
  ['openflow', 'ovsdb', 'netfilter', 'host', 'kube'],
  ['pipeline'],
  ['proxy'],
  ['agent', 'controller', 'lab'],
  ['cni', 'cli'],
];

/** Packages without input and output: no `node:` import, no clock, no process. biome.json enforces what they import. */
export const PURE: readonly string[] = ['std', 'model', 'netfilter', 'pipeline', 'proxy'];
