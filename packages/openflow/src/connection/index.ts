export type { BundleOptions } from './bundle.ts';
export { type ConnectOptions, connectSwitch } from './connect-switch.ts';
export { CONNECTION_ERRORS } from './errors.ts';
export type { ForeignChange, ForeignChangesListener } from './flow-monitor.ts';
export { type KeepConnectedOptions, keepConnected } from './keep-connected.ts';
export { type DumpFlowsOptions, SwitchConnection } from './switch-connection.ts';
