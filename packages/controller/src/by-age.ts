import type { KubeObject } from '@tenet/model';

/** Orders objects by creation, then by name: who came first is the same in every pass and after every restart. */
export function byAge({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  const [created, other] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  if (created !== other) return created < other ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
