import type { ObjectOf } from '@tenet/model';

/** The kinds that the controller writes. */
export type OwnedKind = 'HostSubnet' | 'NetNamespace';

/** An object whose absence a deletion relies on, asked for once more right before it: a cache may be late. */
export interface Unless {
  readonly kind: 'Node' | 'Namespace';
  readonly name: string;
  /** Only an object with this UID counts; any does when absent. */
  readonly uid?: string;
}

interface ActionOn<K extends OwnedKind> {
  readonly kind: K;
  readonly name: string;
  /** A constant phrase for the log. */
  readonly because: string;
}

interface Create<K extends OwnedKind> extends ActionOn<K> {
  readonly verb: 'create';
  readonly object: ObjectOf[K];
}

/** A JSON merge patch (RFC 7386) that bears the resourceVersion it was planned from, so that it loses every race. */
interface Patch<K extends OwnedKind> extends ActionOn<K> {
  readonly verb: 'patch';
  readonly from: ObjectOf[K];
  readonly patch: Readonly<Record<string, unknown>>;
}

interface Delete<K extends OwnedKind> extends ActionOn<K> {
  readonly verb: 'delete';
  readonly uid: string;
  readonly unless: Unless;
}

/** Delete, then create under the same name, without a stop in between. */
interface Replace<K extends OwnedKind> extends ActionOn<K> {
  readonly verb: 'replace';
  readonly uid: string;
  readonly object: ObjectOf[K];
}

/** One write that a plan wants. */
export type Action<K extends OwnedKind> = Create<K> | Patch<K> | Delete<K> | Replace<K>;
