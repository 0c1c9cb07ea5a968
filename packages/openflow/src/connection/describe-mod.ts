import type { BundledMessage } from '../codec/message.ts';
import { formatFlow } from '../text/format-flow.ts';

/** A flow of thousands of actions is named by its beginning. */
const MAX_CHARACTERS = 1_000;

/** A change of the tables as one phrase for people, such as `add of the flow table=3 actions=drop`. */
export function describeMod(mod: BundledMessage | undefined): string {
  if (mod === undefined) return 'an unknown change';
  if (mod.kind === 'group_mod') return `${mod.command} of group ${mod.group.id}`;
  const text = formatFlow(mod.flow);
  const shown = text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`;
  return `${mod.command} of the flow ${shown}`;
}
