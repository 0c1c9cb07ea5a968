/** The arguments of an operation for its error: `link eth0, address 10.128.0.5, prefixLength 14`. */
export function inWords(facts: object): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
