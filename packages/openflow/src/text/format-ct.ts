import type { Action, Nat } from '../action.ts';
import { formatIp } from './address-text.ts';
import { CT_HELPERS } from './parse-ct.ts';
import { formatSubfield } from './subfield-text.ts';

/** The text of a ct action; `nested` writes the list inside `exec(…)`, `tableName` a table. */
export function formatCt(
  { commit, force, table, zone, nat, exec, alg }: Extract<Action, { kind: 'ct' }>,
  nested: (actions: readonly Action[]) => string,
  tableName: (table: number) => string,
): string {
  const parts = [
    ...(commit ? ['commit'] : []),
    ...(force ? ['force'] : []),
    ...(table === undefined ? [] : [`table=${tableName(table)}`]),
    ...(zone === undefined || zone === 0 ? [] : [`zone=${typeof zone === 'number' ? zone : formatSubfield(zone)}`]),
    ...(nat === undefined ? [] : [formatNat(nat)]),
    ...(exec === undefined || exec.length === 0 ? [] : [`exec(${nested(exec)})`]),
    ...(alg === undefined || alg === 0 ? [] : [`alg=${helperName(alg)}`]),
  ];
  return `ct(${parts.join(',')})`;
}

function helperName(alg: number): string {
  return [...CT_HELPERS].find(([, port]) => port === alg)?.[0] ?? String(alg);
}

function formatNat({ direction, ipMin, ipMax, family = 4, portMin, portMax, ...flags }: Nat): string {
  if (direction === undefined) return 'nat';
  if (ipMin === undefined) return `nat(${direction})`;
  const bracketed = family === 6 && portMin !== undefined;
  const address = (ip: bigint) => (bracketed ? `[${formatIp(ip, family)}]` : formatIp(ip, family));
  const range = [
    address(ipMin),
    ...(ipMax === undefined || ipMax === ipMin ? [] : ['-', address(ipMax)]),
    ...(portMin === undefined ? [] : [':', portMin]),
    ...(portMin === undefined || portMax === undefined || portMax === portMin ? [] : ['-', portMax]),
  ].join('');
  const { persistent, hash, random } = flags;
  const parts = [
    `${direction}=${range}`,
    ...(persistent ? ['persistent'] : []),
    ...(hash ? ['hash'] : []),
    ...(random ? ['random'] : []),
  ];
  return `nat(${parts.join(',')})`;
}
