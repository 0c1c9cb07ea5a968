import type { PrivateOvs } from './private-ovs.ts';

const HOLDER = 'holder';

/**
 * Drives `vxlan0` from OpenFlow number 1 to another, and keeps it away until this is disposed: the number is held by a
 * port that a mirror sends to, which the daemon leaves alone.
 */
export async function holdTunnelNumber({ vsctl }: PrivateOvs): Promise<AsyncDisposable> {
  await vsctl(
    ...['set', 'Interface', 'vxlan0', 'ofport_request=77', '--'],
    ...['add-port', 'br0', HOLDER, '--', 'set', 'Interface', HOLDER, 'type=internal', 'ofport_request=1', '--'],
    ...['--id=@port', 'get', 'Port', HOLDER, '--'],
    ...['--id=@mirror', 'create', 'Mirror', 'name=hold', 'select_all=true', 'output_port=@port', '--'],
    ...['add', 'Bridge', 'br0', 'mirrors', '@mirror'],
  );
  return {
    async [Symbol.asyncDispose]() {
      await vsctl('clear', 'Bridge', 'br0', 'mirrors', '--', '--if-exists', 'del-port', 'br0', HOLDER);
    },
  };
}
