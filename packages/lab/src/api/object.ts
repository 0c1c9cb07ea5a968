import type { JsonObject } from './json.ts';

/** Metadata that the store has completed. */
export interface StoredMeta extends JsonObject {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** An object as the store holds it. Never changed in place. */
export interface StoredObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: StoredMeta;
}

/** Names one object of a resource. */
export interface ObjectKey {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Sorts as etcd's keys do: by namespace, then by name. */
export function keyText({ name, namespace }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
