/** Open vSwitch as the agent holds it: a connection that comes back and the replica that it feeds. */

import { type KeepConnectedOptions, type KeptConnection, keepConnected } from './keep-connected.ts';
import type { Operation, OperationResult } from './operation.ts';
import { DATABASE, OvsCache } from './ovs-cache.ts';
import type { OvsdbClient } from './ovsdb-client.ts';
import { countdown, type RequestOptions } from './within.ts';

/** The switch database: `cache` to decide from, `transact` to act. */
export class OpenVSwitch implements AsyncDisposable {
  readonly cache: OvsCache;
  readonly #connection: KeptConnection;

  /** `onConnected` hears of each connection, once the cache follows the server. */
  constructor({ onConnected, ...options }: Omit<KeepConnectedOptions, 'onConnected'> & { onConnected?: () => void }) {
    const cache = new OvsCache(options.log);
    this.cache = cache;
    this.#connection = keepConnected({
      ...options,
      onConnected: async (client, signal) => {
        await cache.follow(client, { signal });
        onConnected?.();
      },
    });
  }

  /** Whether the cache follows the server now, rather than remembering it. */
  get isConnected(): boolean {
    return this.#connection.client !== undefined;
  }

  /** Waits until the cache is filled and follows the server. */
  connected(options?: RequestOptions): Promise<OvsdbClient> {
    return this.#connection.connected(options);
  }

  /** One transaction on Open_vSwitch, on the connection of the moment or, while there is none, on the next. */
  async transact(operations: readonly Operation[], options?: RequestOptions): Promise<readonly OperationResult[]> {
    const left = countdown(options);
    const client = await this.connected(left());
    return client.transact(DATABASE, operations, left());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }
}
