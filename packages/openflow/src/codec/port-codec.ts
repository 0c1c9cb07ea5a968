/** Ports as a switch describes them (OpenFlow 1.3.5 §7.2.1, 1.4.1 §7.2.1). */
import { type ByteReader, type ByteWriter, Mac } from '@tenet/std';
import { malformed } from './errors.ts';
import { readProperties } from './properties.ts';
import { OPENFLOW_13, type Version } from './protocol.ts';

export interface PortDescription {
  readonly port: number;
  readonly name: string;
  readonly mac: Mac;
  /** OFPPC_* bits: what an operator asked for (1 = down, 4 = receive nothing, 32 = forward nothing …). */
  readonly config: number;
  /** OFPPS_* bits: what is (1 = link down, 2 = blocked, 4 = live). */
  readonly state: number;
  /** OFPPF_* bits: features in use, advertised, supported, and advertised by the other end. */
  readonly features: Readonly<Record<'current' | 'advertised' | 'supported' | 'peer', number>>;
  readonly currentSpeedKbps: number;
  readonly maxSpeedKbps: number;
}

const NAME_BYTES = 16;
const ETHERNET = 0;
const ETHERNET_BYTES = 32;

export function writePort(w: ByteWriter, port: PortDescription, version: Version): void {
  const start = w.length;
  w.u32(port.port).zeros(4).put(port.mac.toBytes()).zeros(2);
  const name = new TextEncoder().encode(port.name);
  if (name.length >= NAME_BYTES) throw new RangeError(`${port.name} is longer than a port's name`);
  w.put(name).zeros(NAME_BYTES - name.length);
  w.u32(port.config).u32(port.state);
  if (version !== OPENFLOW_13) w.u16(ETHERNET).u16(ETHERNET_BYTES).zeros(4);
  const { current, advertised, supported, peer } = port.features;
  w.u32(current).u32(advertised).u32(supported).u32(peer).u32(port.currentSpeedKbps).u32(port.maxSpeedKbps);
  if (version !== OPENFLOW_13) w.setU16(start + 4, w.length - start);
}

export function readPort(r: ByteReader, version: Version): PortDescription {
  const port = r.u32();
  const lengthBytes = r.u16();
  r.skip(2);
  const entry = version === OPENFLOW_13 ? r : r.sub(entryRest(lengthBytes));
  const mac = Mac.fromBytes(entry.take(6));
  entry.skip(2);
  const name = readName(entry);
  const config = entry.u32();
  const state = entry.u32();
  return {
    port,
    name,
    mac,
    config,
    state,
    ...(version === OPENFLOW_13 ? readEthernet(entry) : readEthernetProperty(entry)),
  };
}

const FIRST_BYTES = 8;

function entryRest(lengthBytes: number): number {
  if (lengthBytes < FIRST_BYTES) malformed('port description', `an entry claims ${lengthBytes} bytes`);
  return lengthBytes - FIRST_BYTES;
}

function readName(r: ByteReader): string {
  const bytes = r.take(NAME_BYTES);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

type Ethernet = Pick<PortDescription, 'features' | 'currentSpeedKbps' | 'maxSpeedKbps'>;

function readEthernet(r: ByteReader): Ethernet {
  const features = { current: r.u32(), advertised: r.u32(), supported: r.u32(), peer: r.u32() };
  return { features, currentSpeedKbps: r.u32(), maxSpeedKbps: r.u32() };
}

/** Properties other than Ethernet's describe hardware that we do not ask about. */
function readEthernetProperty(r: ByteReader): Ethernet {
  const features = { current: 0, advertised: 0, supported: 0, peer: 0 };
  let ethernet: Ethernet = { features, currentSpeedKbps: 0, maxSpeedKbps: 0 };
  for (const { type, value } of readProperties(r, 'port description')) {
    if (type !== ETHERNET) continue;
    value.skip(4);
    ethernet = readEthernet(value);
  }
  return ethernet;
}
