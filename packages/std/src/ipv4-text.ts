/** Reads a dotted quad; undefined for anything else. Leading zeros are refused, since some read them as octal. */
export function parseIpv4(text: string): number | undefined {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (octets?.every((octet) => Number(octet) <= 255 && String(Number(octet)) === octet) !== true) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

/** The dotted quad of a 32-bit number; rules of services are made of very many. */
export function formatIpv4(value: bigint): string {
  const bits = Number(value);
  return `${bits >>> 24}.${(bits >>> 16) & 0xff}.${(bits >>> 8) & 0xff}.${bits & 0xff}`;
}
