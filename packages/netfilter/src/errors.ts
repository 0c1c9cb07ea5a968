import { errorKinds, kind } from '@tenet/std';

/** Every way in which text fails to be rules. */
export const { fail: failNetfilter, table: NETFILTER_ERRORS } = errorKinds({
  RULE_MALFORMED: kind<{ rule: string; problem: string }>({
    says: ({ rule, problem }) => `rule ${JSON.stringify(rule)} ${problem}`,
    remedy: () => 'write the rule as iptables-save prints it',
  }),
  RULESET_MALFORMED: kind<{ line: number; text: string; problem: string }>({
    says: ({ line, text, problem }) => `line ${line} of the iptables-save text, ${JSON.stringify(text)}, ${problem}`,
    remedy: () => 'check that the text is the whole, unchanged output of iptables-save',
  }),
});
