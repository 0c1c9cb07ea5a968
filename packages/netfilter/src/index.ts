export type { DesiredRules, DesiredTable, Jump } from './desired-rules.ts';
export { failNetfilter, NETFILTER_ERRORS } from './errors.ts';
export { type FormatOptions, formatRestore } from './format-restore.ts';
export { formatRule, sameRule } from './format-rule.ts';
export { parseIptablesList, saveLines } from './parse-iptables-list.ts';
export { type ParseOptions, parseIptablesSave } from './parse-iptables-save.ts';
export { parseRule } from './parse-rule.ts';
export { planRestore } from './plan-restore.ts';
export {
  type Counters,
  commentOf,
  type Extension,
  type Negatable,
  optionOf,
  type Rule,
  type RuleOption,
  type Target,
} from './rule.ts';
export { BUILT_IN_CHAINS, type Chain, isBuiltIn, type Ruleset, type Table } from './ruleset.ts';
export { type Census, takeCensus } from './take-census.ts';
