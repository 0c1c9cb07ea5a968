import { PORT } from '../flow.ts';
import type { Piece } from './piece.ts';

/** Reads a port: a number, a reserved name in either case, or a name (quoted or not) that `ports` knows. */
export function parsePort(piece: Piece, ports: ReadonlyMap<string, number> = NO_PORTS): number {
  return portOf(piece, ports) ?? piece.fail('a port number, a reserved port or the name of a port of this bridge');
}

/** As `parsePort`, but undefined when the text is no port. */
export function portOf({ text }: Piece, ports: ReadonlyMap<string, number> = NO_PORTS): number | undefined {
  if (/^(0|[1-9]\d{0,9})$/.test(text)) {
    const port = Number(text);
    // OpenFlow 1.0 numbered the reserved ports from 0xfff8; `ovs-ofctl` still reads them so.
    if (port > 0xffff_ffff) return undefined;
    return port >= 0xfff8 && port <= 0xffff ? port + 0xffff_0000 : port;
  }
  return ports.get(unquoted(text)) ?? RESERVED.get(text.toUpperCase());
}

/** The text of a port: the bridge's name for it if given, the reserved name, or the number. */
export function formatPort(port: number, names?: ReadonlyMap<number, string>): string {
  const name = names?.get(port);
  return name === undefined ? (RESERVED_NAMES.get(port) ?? String(port)) : quoted(name);
}

/** A name as `ovs-ofctl --names` writes it: in quotes unless it is letters and digits and begins with a letter. */
export function quoted(name: string): string {
  return /^[a-z][a-z0-9]*$/i.test(name) ? name : JSON.stringify(name);
}

/** A name without the quotes that `quoted` may have put around it. */
export function unquoted(text: string): string {
  if (!/^".*"$/.test(text)) return text;
  try {
    const name: unknown = JSON.parse(text);
    return typeof name === 'string' ? name : text;
  } catch {
    return text;
  }
}

const NO_PORTS: ReadonlyMap<string, number> = new Map();
const RESERVED_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PORT).map(([name, port]) => [port, name]));
const RESERVED: ReadonlyMap<string, number> = new Map([...Object.entries(PORT), ['NONE', PORT.ANY]]);
