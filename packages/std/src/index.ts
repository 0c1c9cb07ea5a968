export { ADDRESS_ERRORS } from './address-errors.ts';
export { ByteReader, ByteWriter, fromHex, Truncated, toHex } from './bytes.ts';
export { type Change, diff } from './diff.ts';
export {
  type ErrorKind,
  type ErrorKinds,
  type ErrorTable,
  errorKinds,
  isTenetError,
  kind,
  sentenceOf,
  TenetError,
} from './errors.ts';
export { ADDRESS_BITS, type Family, Ip } from './ip.ts';
export { type LogFacts, type Logger, SILENT } from './log.ts';
export { Mac } from './mac.ts';
export { Prefix } from './prefix.ts';
export { type Backoff, backoffMs, type Clock } from './time.ts';
