import type { JsonObject } from './json.ts';
import type { StoredObject } from './object.ts';

/** What a kind demands of its objects beyond what all kinds do. */
export interface KindRules {
  /**
   * The object as it is to be stored, with all that the server adds; a StatusError for what is wrong with it. Changes
   * nothing: whether it is stored is decided later. `before` is absent for a new object.
   */
  admit<O extends JsonObject & { readonly metadata: JsonObject }>(object: O, before: StoredObject | undefined): O;
  /** An object is stored now, or gone. */
  stored?(now: StoredObject | undefined, before: StoredObject | undefined): void;
}
