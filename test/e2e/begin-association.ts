import assert from 'node:assert/strict';
import { PacketSocket } from '@tenet/host';
import { type Ip, Mac } from '@tenet/std';
import { eventually } from '../eventually.ts';
import type { LabPod } from './private-lab.ts';
import { SCTP_CHUNK, type SctpEnds, type SctpSighting, sctpIn, sctpInit, sctpInitAck } from './sctp-frames.ts';

export interface AssociationSpec {
  readonly client: LabPod;
  /** Of the client's node. */
  readonly gateway: Ip;
  readonly service: { readonly ip: Ip; readonly port: number };
  readonly server: LabPod;
  readonly serverPort: number;
  readonly clientPort: number;
}

const [CLIENT_TAG, SERVER_TAG] = [0x7e57_0001, 0x7e57_0002];

/**
 * A pod sends the first packet of an SCTP association to a service, and its endpoint answers with the second, both
 * written by hand. Each must arrive translated, with the checksum that this asks for.
 */
export async function beginAssociation(spec: AssociationSpec): Promise<void> {
  const { client, gateway, service, server, serverPort, clientPort } = spec;
  using clientLink = PacketSocket.open({ namespace: client.netns, link: 'eth0' });
  using serverLink = PacketSocket.open({ namespace: server.netns, link: 'eth0' });

  const asked: SctpEnds = {
    fromMac: client.mac,
    toMac: Mac.fromIpv4(gateway),
    source: client.ip,
    sourcePort: clientPort,
    destination: service.ip,
    destinationPort: service.port,
  };
  clientLink.send(sctpInit(asked, CLIENT_TAG));
  assert.deepEqual(words(await heard(serverLink, SCTP_CHUNK.init)), {
    way: `${client.ip}:${clientPort} → ${server.ip}:${serverPort}`,
    verificationTag: 0,
    initiateTag: CLIENT_TAG,
  });

  const answered: SctpEnds = {
    fromMac: server.mac,
    toMac: client.mac,
    source: server.ip,
    sourcePort: serverPort,
    destination: client.ip,
    destinationPort: clientPort,
  };
  serverLink.send(sctpInitAck(answered, CLIENT_TAG, SERVER_TAG));
  assert.deepEqual(words(await heard(clientLink, SCTP_CHUNK.initAck)), {
    way: `${service.ip}:${service.port} → ${client.ip}:${clientPort}`,
    verificationTag: CLIENT_TAG,
    initiateTag: SERVER_TAG,
  });
}

function heard(link: PacketSocket, chunkType: number): Promise<SctpSighting> {
  return eventually(
    () =>
      link
        .received()
        .map(sctpIn)
        .find((sighting) => sighting?.chunkType === chunkType),
    { what: `an SCTP packet with chunk ${chunkType} arrives` },
  );
}

function words({ source, sourcePort, destination, destinationPort, verificationTag, initiateTag }: SctpSighting) {
  return { way: `${source}:${sourcePort} → ${destination}:${destinationPort}`, verificationTag, initiateTag };
}
