import { errorKinds, isTenetError, kind, type TenetError } from '@tenet/std';

/** Every way in which talking to Open vSwitch fails on purpose. */
export const { error: ovsdbError, table: OVSDB_ERRORS } = errorKinds({
  SOCKET_UNREACHABLE: kind<{ path: string }>({
    says: ({ path }) => `cannot connect to ${path}`,
    remedy: ({ path }) => `check that its daemon runs and that ${path} exists and may be opened by this user`,
  }),
  SESSION_CLOSED: kind<{ path: string; by: 'us' | 'peer'; halfMessageBytes: number }>({
    says: ({ path, by, halfMessageBytes }) =>
      `${by === 'us' ? 'we' : 'the peer'} closed the connection to ${path}${halfMessageBytes === 0 ? '' : ` within a message, after ${halfMessageBytes} bytes of it`}`,
    remedy: ({ path }) => `check that the daemon behind ${path} still runs, and its log`,
  }),
  PEER_SILENT: kind<{ path: string; silentMs: number }>({
    says: ({ path, silentMs }) => `nothing came from ${path} for ${silentMs} ms, not even an answer to an echo`,
    remedy: ({ path }) => `check whether the daemon behind ${path} is stopped or overloaded`,
  }),
  JSON_STREAM_MALFORMED: kind<{ why: string; offset: number }>({
    says: ({ why, offset }) => `byte ${offset} of the stream cannot be JSON: ${why}`,
    remedy: () => 'check that the socket belongs to ovsdb-server or to a unixctl server',
  }),
  RPC_MALFORMED: kind<{ path: string; why: string; message: string }>({
    says: ({ path, why, message }) => `${path} sent ${message}: ${why}`,
    remedy: () => 'check that the socket belongs to ovsdb-server or to a unixctl server',
  }),
  REQUEST_TIMED_OUT: kind<{ path: string; method: string; deadlineMs: number }>({
    says: ({ path, method, deadlineMs }) => `${path} did not answer ${method} within ${deadlineMs} ms`,
    remedy: ({ path }) => `check whether the daemon behind ${path} is stopped or overloaded`,
  }),
  REQUEST_REFUSED: kind<{ path: string; method: string; error: string; details: string }>({
    says: ({ path, method, error, details }) =>
      `${path} refuses ${method}: ${error}${details === '' ? '' : ` (${details})`}`,
    remedy: () => 'check that this Open vSwitch is version 3.1 or later',
  }),
  OPERATION_FAILED: kind<{ database: string; operation: string; at: number; error: string; details: string }>({
    says: ({ database, operation, at, error, details }) =>
      `${operation} (operation ${at}) on ${database} failed: ${error}${details === '' ? '' : ` (${details})`}`,
    remedy: ({ error }) => OPERATION_REMEDIES[error] ?? "check the details against the database's schema",
  }),
  COLUMN_MALFORMED: kind<{ table: string; column: string; expected: string; value: string }>({
    says: ({ table, column, expected, value }) => `${table}.${column} is ${value}, not ${expected}`,
    remedy: () => "check that the database's schema is that of Open vSwitch 3.1 or later",
  }),
  WAIT_TIMED_OUT: kind<{ what: string; deadlineMs: number }>({
    says: ({ what, deadlineMs }) => `${what} did not come true within ${deadlineMs} ms`,
    remedy: () => 'check the log of ovs-vswitchd, and that ovsdb-server and ovs-vswitchd both run',
  }),
  VSWITCHD_SILENT: kind<{ nextCfg: number; curCfg: number; deadlineMs: number }>({
    says: ({ nextCfg, curCfg, deadlineMs }) =>
      `ovs-vswitchd does not answer: after ${deadlineMs} ms it has applied configuration ${curCfg}, not ${nextCfg}`,
    remedy: () => 'check that ovs-vswitchd runs, and its log',
  }),
  BRIDGE_MISSING: kind<{ bridge: string }>({
    says: ({ bridge }) => `there is no bridge ${bridge}`,
    remedy: ({ bridge }) => `wait until the agent has made ${bridge}, or restart the agent`,
  }),
  INTERFACE_MISSING: kind<{ name: string }>({
    says: ({ name }) => `there is no interface ${name}`,
    remedy: ({ name }) => `check whether another program has removed port ${name}`,
  }),
  PORT_ELSEWHERE: kind<{ port: string; bridge: string; actual: string }>({
    says: ({ port, bridge, actual }) => `port ${port} is on bridge ${actual}, not on ${bridge}`,
    remedy: ({ port, actual }) => `remove port ${port} from ${actual}, or choose another name`,
  }),
  INTERFACE_FAILED: kind<{ name: string; error: string }>({
    says: ({ name, error }) => `ovs-vswitchd cannot open interface ${name}: ${error}`,
    remedy: ({ name }) => `check that device ${name} exists in the network namespace of ovs-vswitchd, and its type`,
  }),
  SCHEMA_ROW_MISSING: kind<{ table: string }>({
    says: ({ table }) => `the database has no row in table ${table}`,
    remedy: () => 'run ovs-vsctl --no-wait init, as the start script of Open vSwitch does',
  }),
  UNIXCTL_FAILED: kind<{ path: string; command: string; error: string }>({
    says: ({ command, error }) => `ovs-appctl ${command} failed: ${error}`,
    remedy: ({ path }) => `check the command against list-commands of ${path}`,
  }),
});

/** True for a transaction that failed, with this OVSDB error (RFC 7047 §3.1, §5.2) if one is given. */
export function isOperationFailure(error: unknown, name?: string): error is TenetError {
  return isTenetError(error, 'OPERATION_FAILED') && (name === undefined || error.facts.error === name);
}

const OPERATION_REMEDIES: Readonly<Record<string, string>> = {
  'timed out': 'wait and repeat: the rows it expected were changed by somebody else',
  'constraint violation': 'check for another row of the same name, and the range of each value',
  'referential integrity violation': 'check whether the row that it refers to was deleted by somebody else',
  'not supported': 'check that this Open vSwitch is version 3.1 or later',
  'resources exhausted': 'raise the memory limit of ovsdb-server',
  'I/O error': 'check the disk that holds the database of ovsdb-server',
};
