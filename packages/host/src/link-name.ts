/** The bytes of `IFNAMSIZ`: a link's name and the zero that ends it. */
const IFNAMSIZ = 16;

/** A link's name as `struct ifreq` holds it; RangeError when it is empty or longer than 15 bytes. */
export function linkNameBytes(name: string): Uint8Array {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length === 0 || bytes.length >= IFNAMSIZ)
    throw new RangeError(`${JSON.stringify(name)} is not the name of a link: it has 1 to ${IFNAMSIZ - 1} bytes`);
  const padded = new Uint8Array(IFNAMSIZ);
  padded.set(bytes);
  return padded;
}
