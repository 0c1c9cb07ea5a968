export { type Column, type NamedUuid, sameValue, type Uuid, uuidOf } from './column.ts';
export {
  addPort,
  deleteBridge,
  deletePorts,
  ensureBridge,
  ensurePort,
  ensureZoneTimeouts,
  type NextCfg,
  updateInterface,
  waitForConfiguration,
} from './commands.ts';
export { isOperationFailure, OVSDB_ERRORS } from './errors.ts';
export { JsonSplitter, type JsonSplitterLimits } from './json-splitter.ts';
export { type KeepConnectedOptions, type KeptConnection, keepConnected } from './keep-connected.ts';
export type { RowChange, Rows, TableChange } from './monitor.ts';
export { OpenVSwitch } from './open-vswitch.ts';
export type { Atom, Condition, Mutation, Operation, OperationResult, WireRow, WireValue } from './operation.ts';
export { DATABASE, OvsCache, type WaitOptions } from './ovs-cache.ts';
export { type ConnectOvsdbOptions, connectOvsdb, type OvsdbClient } from './ovsdb-client.ts';
export { type BridgeSpec, planBridge, planBridgeRemoval } from './plan-bridge.ts';
export { nextCfgOf, raiseNextCfg } from './plan-configuration.ts';
export { type InterfaceWish, type PortSpec, planInterface, planPort, planPortRemoval } from './plan-port.ts';
export { planZoneTimeouts, type ZoneTimeouts } from './plan-zone-timeouts.ts';
export { type Row, TABLES, type TableName, type Values } from './tables.ts';
export { unixctl, vswitchdCtlPath } from './unixctl.ts';
export { alterRow, type Wish } from './wish.ts';
export type { RequestOptions } from './within.ts';
