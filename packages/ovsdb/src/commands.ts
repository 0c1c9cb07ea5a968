/** The plans carried out: each repeats itself until the switch database is as wished, and is harmless to repeat. */
import { isTenetError } from '@tenet/std';
import { isOperationFailure, ovsdbError } from './errors.ts';
import type { OpenVSwitch } from './open-vswitch.ts';
import type { Operation } from './operation.ts';
import type { OvsCache } from './ovs-cache.ts';
import { type BridgeSpec, planBridge, planBridgeRemoval } from './plan-bridge.ts';
import { nextCfgOf, raiseNextCfg, rootOf } from './plan-configuration.ts';
import { type InterfaceWish, type PortSpec, planInterface, planPort, planPortRemoval } from './plan-port.ts';
import { planZoneTimeouts, type ZoneTimeouts } from './plan-zone-timeouts.ts';
import type { Row } from './tables.ts';
import { countdown, type RequestOptions } from './within.ts';

/** The configuration to wait for, as the `next_cfg` of the transaction; undefined when nothing had to change. */
export type NextCfg = number | undefined;

/** Makes or changes a bridge. */
export function ensureBridge(ovs: OpenVSwitch, spec: BridgeSpec, options?: RequestOptions): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planBridge(cache, spec), options);
}

/** Makes or changes a port, without waiting for ovs-vswitchd. */
export function ensurePort(ovs: OpenVSwitch, spec: PortSpec, options?: RequestOptions): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planPort(cache, spec), options);
}

/** Changes columns of an interface. */
export function updateInterface(
  ovs: OpenVSwitch,
  name: string,
  wish: InterfaceWish,
  options?: RequestOptions,
): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planInterface(cache, name, wish), options);
}

/** Removes ports; those that are not there are as wished. */
export function deletePorts(ovs: OpenVSwitch, names: readonly string[], options?: RequestOptions): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planPortRemoval(cache, names), options);
}

/** Removes a bridge with its ports. */
export function deleteBridge(ovs: OpenVSwitch, name: string, options?: RequestOptions): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planBridgeRemoval(cache, name), options);
}

/** Gives a conntrack zone its timeouts. */
export function ensureZoneTimeouts(ovs: OpenVSwitch, spec: ZoneTimeouts, options?: RequestOptions): Promise<NextCfg> {
  return carryOut(ovs, (cache) => planZoneTimeouts(cache, spec), options);
}

/**
 * Makes or changes a port and answers its interface once ovs-vswitchd has given it a number. INTERFACE_FAILED with
 * the row's `error` when it could not, for instance without such a device: the port then stays, and is retried by
 * the next call. VSWITCHD_SILENT after the deadline (10 s unless told).
 */
export async function addPort(
  ovs: OpenVSwitch,
  spec: PortSpec,
  options: RequestOptions = {},
): Promise<Row<'Interface'> & { readonly ofport: number }> {
  const left = countdown(options);
  const { name } = spec;
  const nextCfg = (await ensurePort(ovs, spec, left())) ?? (await askAgain(ovs, name, left())) ?? 0;
  return ovs.cache.waitFor(
    (cache) => {
      const row = cache.interface(name);
      if (row === undefined) throw ovsdbError('INTERFACE_MISSING', { name });
      // ovs-vswitchd writes ofport, error and cur_cfg in one transaction: before that, all three are of the past.
      if (curCfgOf(cache) < nextCfg) return undefined;
      const { ofport, error } = row;
      if (error !== undefined || ofport === -1)
        throw ovsdbError('INTERFACE_FAILED', { name, error: error ?? 'no reason given' });
      return ofport === undefined ? undefined : { ...row, ofport };
    },
    { ...left(), late: silence(ovs, nextCfg) },
  );
}

/** Waits until ovs-vswitchd has applied a configuration. VSWITCHD_SILENT after the deadline (10 s unless told). */
export async function waitForConfiguration(
  ovs: OpenVSwitch,
  nextCfg: NextCfg,
  options: RequestOptions = {},
): Promise<void> {
  if (nextCfg === undefined) return;
  await ovs.cache.waitFor((cache) => curCfgOf(cache) >= nextCfg, { ...options, late: silence(ovs, nextCfg) });
}

/** How often a plan is made again because another writer was faster or the connection was lost. */
const ATTEMPTS = 8;

async function carryOut(
  ovs: OpenVSwitch,
  plan: (cache: OvsCache) => readonly Operation[],
  options?: RequestOptions,
): Promise<NextCfg> {
  const left = countdown(options);
  let wasLost = false;
  for (let attempt = 1; ; attempt += 1) {
    await ovs.connected(left());
    const { version } = ovs.cache;
    const operations = plan(ovs.cache);
    // The transaction whose answer was lost may be what made it so, and ovs-vswitchd may not have seen it yet.
    if (operations.length === 0) return wasLost ? ovs.cache.root?.next_cfg : undefined;
    try {
      return nextCfgOf(await ovs.transact(operations, left()));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      if (isTenetError(error, 'SESSION_CLOSED') || isTenetError(error, 'PEER_SILENT')) wasLost = true;
      // The server tells us of another's transaction before it refuses ours: an unchanged cache means a wrong plan.
      else if (!isConflict(error) || ovs.cache.version === version) throw error;
    }
  }
}

/** Another writer changed a row that the plan waits for, took the name that it inserts, or removed what it refers to. */
function isConflict(error: unknown): boolean {
  return ['timed out', 'constraint violation', 'referential integrity violation'].some((name) =>
    isOperationFailure(error, name),
  );
}

/** An interface that failed before is opened again when ovs-vswitchd next configures: ask for that. */
async function askAgain(ovs: OpenVSwitch, name: string, options: RequestOptions): Promise<NextCfg> {
  const row = ovs.cache.interface(name);
  if (row?.error === undefined && row?.ofport !== -1) return undefined;
  return nextCfgOf(await ovs.transact(raiseNextCfg(rootOf(ovs.cache)._uuid), options));
}

function curCfgOf(cache: OvsCache): number {
  return cache.root?.cur_cfg ?? 0;
}

function silence(ovs: OpenVSwitch, nextCfg: number) {
  return (deadlineMs: number) => ovsdbError('VSWITCHD_SILENT', { nextCfg, curCfg: curCfgOf(ovs.cache), deadlineMs });
}
