import { errorKinds, kind } from './errors.ts';

/** Every way in which text fails to be an address. */
export const { fail: failAddress, table: ADDRESS_ERRORS } = errorKinds({
  ADDRESS_MALFORMED: kind<{ text: string; expected: string }>({
    says: ({ text, expected }) => `${JSON.stringify(text)} is not ${expected}`,
    remedy: ({ expected }) => `write ${expected}`,
  }),
  PREFIX_HAS_HOST_BITS: kind<{ text: string; canonical: string }>({
    says: ({ text }) => `${text} has host bits set`,
    remedy: ({ canonical }) => `write ${canonical}`,
  }),
});
