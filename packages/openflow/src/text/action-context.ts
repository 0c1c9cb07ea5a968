import type { Protocol } from './field-names.ts';

/** What the text of an action depends on besides itself. */
export interface ActionContext {
  /** What the flow matches: `mod_tp_dst` and `set_field:80->tp_dst` mean another field in each protocol. */
  readonly protocol: Protocol;
  /** Whether the flow matches tagged packets only. */
  readonly tagged: boolean;
  readonly ports?: ReadonlyMap<string, number> | undefined;
  readonly tables?: ReadonlyMap<string, number> | undefined;
  /** How many lists of actions this one stands in. */
  readonly depth: number;
}
