import type { KindName, KubeObject } from '@tenet/model';
import { isTenetError, type TenetError } from '@tenet/std';

/** What a refusal is shown on. */
export interface Subject {
  readonly kind: KindName;
  readonly name: string;
  /** Of a namespaced kind. */
  readonly namespace?: string;
  readonly uid?: string;
}

/** Something on an object that the controller will not, or cannot, act on. Said once, to the object's owner. */
export interface Refusal {
  readonly subject: Subject;
  readonly error: TenetError;
}

/** Names an object for a refusal or an Event. */
export function subjectOf(kind: KindName, { metadata: { name, uid } }: KubeObject): Subject {
  return { kind, name, ...(uid === undefined ? {} : { uid }) };
}

/** The value that `read` gives, or the failure of ours that it throws. */
export function attempt<T>(read: () => T): { readonly value: T } | { readonly error: TenetError } {
  try {
    return { value: read() };
  } catch (error) {
    if (!isTenetError(error)) throw error;
    return { error };
  }
}
