import { isTenetError } from '@tenet/std';

/** What can be read of the texts; `unreadable` is told of what cannot, and throws, or else that is left out. */
export function readable<T>(
  texts: readonly string[],
  parse: (text: string) => T,
  unreadable?: (problem: string) => never,
): readonly T[] {
  return texts.flatMap((text) => {
    try {
      return [parse(text)];
    } catch (error) {
      if (!isTenetError(error)) throw error;
      unreadable?.(`is wrong: ${error.message}; ${error.remedy}`);
      return [];
    }
  });
}
