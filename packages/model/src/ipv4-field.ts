import { isTenetError } from '@tenet/std';

/** Reads an IPv4 address or prefix of an object's field; `invalid` is told what is wrong with it, and throws. */
export function ipv4Field<T extends { readonly family: number }>(
  text: unknown,
  parse: (text: string) => T,
  invalid: (problem: string) => never,
): T {
  if (typeof text !== 'string' || text === '') return invalid('is missing');
  let value: T;
  try {
    value = parse(text);
  } catch (error) {
    if (!isTenetError(error)) throw error;
    return invalid(`is wrong: ${error.message}; ${error.remedy}`);
  }
  return value.family === 4 ? value : invalid(`${text} is IPv6, which is not supported yet`);
}
