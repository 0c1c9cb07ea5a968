/** A client of ovsdb-server: the methods of RFC 7047 §4.1 over one connection. */
import type { Logger, TenetError } from '@tenet/std';
import { ovsdbError } from './errors.ts';
import { isRecord, shortJson } from './json.ts';
import { connectJsonRpc, type JsonRpcSession } from './json-rpc-session.ts';
import type { Operation, OperationResult } from './operation.ts';
import type { RequestOptions } from './within.ts';

/** Settings of `connectOvsdb`. */
export interface ConnectOvsdbOptions {
  /** The unix socket of ovsdb-server. */
  readonly path: string;
  /** Gives up connecting; once connected, closes the connection. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Logger | undefined;
  /** How long the server may be quiet before it is asked for an echo; 5 s unless told. */
  readonly idleMs?: number | undefined;
}

/** Connects to ovsdb-server. */
export async function connectOvsdb(options: ConnectOvsdbOptions): Promise<OvsdbClient> {
  const monitors: Monitors = new Map();
  const session = await connectJsonRpc({
    ...options,
    onNotification(method, [id, updates]) {
      // RFC 7047 §4.1.6; other notifications (locks, §4.1.9) are never asked for.
      if (method === 'update' && typeof id === 'string') monitors.get(id)?.(updates);
    },
  });
  return new OvsdbClient(session, monitors, options.path);
}

/** One connection; nothing of it outlives the session. */
export class OvsdbClient implements AsyncDisposable {
  readonly path: string;
  readonly #session: JsonRpcSession;
  readonly #monitors: Monitors;

  constructor(session: JsonRpcSession, monitors: Monitors, path: string) {
    this.#session = session;
    this.#monitors = monitors;
    this.path = path;
  }

  /** Resolves with the reason when the connection has ended. */
  get closed(): Promise<TenetError> {
    return this.#session.closed;
  }

  /** The names of the databases (§4.1.1). */
  async listDbs(options?: RequestOptions): Promise<readonly string[]> {
    const names = await this.#session.request('list_dbs', [], options);
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
      throw this.#malformed('list_dbs', names);
    return names;
  }

  /** The `<database-schema>` (§3.2, §4.1.2) as the server sends it. */
  async getSchema(database: string, options?: RequestOptions): Promise<Readonly<Record<string, unknown>>> {
    const schema = await this.#session.request('get_schema', [database], options);
    if (!isRecord(schema)) throw this.#malformed('get_schema', schema);
    return schema;
  }

  /**
   * Runs the operations as one transaction (§4.1.3) and answers their results, one each. OPERATION_FAILED names the
   * first that failed, or `commit` when each was right and their sum was not; nothing has changed then.
   */
  async transact(
    database: string,
    operations: readonly Operation[],
    options?: RequestOptions,
  ): Promise<readonly OperationResult[]> {
    const results = await this.#session.request('transact', [database, ...operations], options);
    if (!Array.isArray(results)) throw this.#malformed('transact', results);
    return checkedResults(database, operations, results) ?? fail(this.#malformed('transact', results));
  }

  /**
   * Monitors a database (§4.1.5): `onUpdates` gets the first `<table-updates>` and each one that follows, in order.
   * What it throws closes the connection: a replica that missed an update is worth nothing.
   */
  async monitor(
    database: string,
    requests: Readonly<Record<string, object>>,
    onUpdates: (tableUpdates: unknown, isFirst: boolean) => void,
    options?: RequestOptions,
  ): Promise<void> {
    const id = `monitor ${this.#monitors.size + 1}`;
    // Updates may come in the same chunk as the answer, before our continuation runs.
    const early: unknown[] = [];
    this.#monitors.set(id, (updates) => void early.push(updates));
    const first = await this.#session.request('monitor', [database, id, requests], options);
    onUpdates(first, true);
    for (const updates of early) onUpdates(updates, false);
    this.#monitors.set(id, (updates) => onUpdates(updates, false));
  }

  /** Asks for a sign of life (§4.1.11). */
  async echo(options?: RequestOptions): Promise<void> {
    await this.#session.request('echo', [], options);
  }

  /** Ends the connection; `reason` is what waiting requests are told. */
  close(reason?: TenetError): void {
    this.#session.close(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }

  #malformed(method: string, answer: unknown): TenetError {
    const facts = { path: this.path, why: `that answers no ${method}`, message: shortJson(answer) };
    return ovsdbError('RPC_MALFORMED', facts);
  }
}

type Monitors = Map<string, (tableUpdates: unknown) => void>;

/**
 * §4.1.3: results come in the order of operations; after one that failed comes null for those not tried, and an
 * error behind the last belongs to the commit. Undefined when the answer has another shape.
 */
export function checkedResults(
  database: string,
  operations: readonly Operation[],
  results: readonly unknown[],
): readonly OperationResult[] | undefined {
  for (const [at, result] of results.entries()) {
    if (!isRecord(result) || typeof result.error !== 'string') continue;
    const { error, details } = result;
    const operation = operations[at];
    throw ovsdbError('OPERATION_FAILED', {
      database,
      operation: operation === undefined ? 'commit' : nameOf(operation),
      at,
      error,
      details: typeof details === 'string' ? details : '',
    });
  }
  return results.length === operations.length && results.every(isOperationResult) ? results : undefined;
}

function isOperationResult(result: unknown): result is OperationResult {
  if (!isRecord(result)) return false;
  const { uuid, rows, count } = result;
  return (
    (uuid === undefined || (Array.isArray(uuid) && uuid[0] === 'uuid' && typeof uuid[1] === 'string')) &&
    (rows === undefined || (Array.isArray(rows) && rows.every(isRecord))) &&
    (count === undefined || typeof count === 'number')
  );
}

function nameOf(operation: Operation): string {
  return 'table' in operation ? `${operation.op} ${operation.table}` : operation.op;
}

function fail(error: TenetError): never {
  throw error;
}
