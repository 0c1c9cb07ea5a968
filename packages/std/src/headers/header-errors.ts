import { type ByteReader, Truncated } from '../bytes.ts';
import { errorKinds, kind } from '../errors.ts';

/** The one way in which bytes fail to be a packet. */
export const { fail: failHeader, table: HEADER_ERRORS } = errorKinds({
  HEADER_MALFORMED: kind<{ header: string; offset: number; problem: string }>({
    says: ({ header, offset, problem }) => `${header} header at byte ${offset} ${problem}`,
    remedy: ({ header }) =>
      `check that the bytes hold a whole ${header} header, captured with a long enough snap length`,
  }),
});

/** Runs a parser; bytes that end inside the header become HEADER_MALFORMED with the header's name and offset. */
export function parsing<T>(header: string, reader: ByteReader, parse: (offset: number) => T): T {
  const offset = reader.at;
  const lengthBytes = reader.left;
  try {
    return parse(offset);
  } catch (error) {
    if (!(error instanceof Truncated)) throw error;
    return failHeader('HEADER_MALFORMED', { header, offset, problem: `ends after ${lengthBytes} bytes` }, error);
  }
}
