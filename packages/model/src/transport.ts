/** Protocols that a service's port may have, as IP names them. */
export type ServiceProtocol = 'tcp' | 'udp' | 'sctp';

/** The protocol that an object names, TCP when it names none; undefined for one that no service has. */
export function protocolOf(text: string | null | undefined): ServiceProtocol | undefined {
  return PROTOCOLS.get(text ?? 'TCP');
}

const PROTOCOLS: ReadonlyMap<string, ServiceProtocol> = new Map([
  ['TCP', 'tcp'],
  ['UDP', 'udp'],
  ['SCTP', 'sctp'],
]);

/** Whether it can be a transport port that somebody listens at. */
export function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535;
}
