/** Portals at an address of the namespace that it is started in; says on standard output what they hear, a line each. */
import { Ip } from '@tenet/std';
import { NodePortals } from '../../packages/agent/src/unidling/node-portals.ts';

const [address = '', endpoint = '', endpointPort = ''] = process.argv.slice(2);
const SERVICE = Ip.parse('172.30.0.10');
const say = (line: object) => console.log(JSON.stringify(line));

const portals = new NodePortals({ address: Ip.parse(address) });
const listener = {
  isServedAt: (to: Ip, port: number) => to.equals(SERVICE) && port === 80,
  async onClient(client: Parameters<Parameters<typeof portals.open>[1]['onClient']>[0]) {
    say({ client: client.address });
    say({ joined: await client.joinTo({ ip: Ip.parse(endpoint), port: Number(endpointPort) }, 2000) });
  },
  onDatagram: (isLed: () => boolean) => say({ isLed: isLed() }),
};
say({ tcp: portals.open('tcp', listener).port, udp: portals.open('udp', listener).port });
