import type { InstalledRules } from '../host/installed-rules.ts';
import type { RulesAccess } from './rules-access.ts';

/** The rules of services among the host's own, in the node's variant of iptables. */
export function iptablesAccess(rules: Pick<InstalledRules, 'look' | 'onRead' | 'turn' | 'glance'>): RulesAccess {
  return {
    backEnd: 'iptables',
    isSuspect: () => rules.look().has('services'),
    onRead: (reader) => rules.onRead(reader),
    read: ({ isRestKnown, signal }) =>
      rules.turn(async (turn) => void (await (isRestKnown ? turn.readTouched(signal) : turn.readWhole(signal)))),
    glance: (signal) => rules.glance(signal),
    turn: (work, signal) => rules.turn((turn) => work((text) => turn.write(text, signal))),
    // The rules are the host's to let go of.
    [Symbol.dispose]() {},
  };
}
