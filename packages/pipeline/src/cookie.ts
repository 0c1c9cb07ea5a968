import { DROP_CLASSES, type DropClass, dropClassOf } from './drop-classes.ts';

/**
 * What a flow is for, in its cookie: the kind in bits 63–56, an id in bits 31–0. Flows of br0 whose kind is none of
 * these are strangers.
 */
export const COOKIE_KINDS = {
  static: 1,
  pod: 2,
  peer: 3,
  service: 4,
  project: 5,
  egress: 6,
  policy: 7,
  drop: 0xdd,
} as const;

export type CookieKind = keyof typeof COOKIE_KINDS;

/** Matches the kind alone: `cookie=KIND/COOKIE_KIND_MASK`. */
export const COOKIE_KIND_MASK = 0xffn << 56n;

/** The cookie of a kind and an id of at most 32 bits; RangeError for more. */
export function cookieOf(kind: CookieKind, id = 0): bigint {
  if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff)
    throw new RangeError(`cookie id ${id} does not fit in 32 bits`);
  return (BigInt(COOKIE_KINDS[kind]) << 56n) | BigInt(id);
}

/** The cookie that all flows of a drop class share. */
export function dropCookie(dropClass: DropClass): bigint {
  return cookieOf('drop', DROP_CLASSES[dropClass].id);
}

/** What a cookie says; undefined when its kind is none of ours. */
export function readCookie(
  cookie: bigint,
): { readonly kind: CookieKind; readonly id: number; readonly dropClass?: DropClass } | undefined {
  const number = Number(cookie >> 56n);
  for (const [kind, value] of Object.entries(COOKIE_KINDS)) {
    if (value !== number) continue;
    const id = Number(cookie & 0xffff_ffffn);
    const dropClass = value === COOKIE_KINDS.drop ? dropClassOf(id) : undefined;
    return { kind: kind as CookieKind, id, ...(dropClass === undefined ? {} : { dropClass }) };
  }
  return undefined;
}
