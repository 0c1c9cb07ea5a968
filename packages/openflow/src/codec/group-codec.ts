/** Groups and their buckets (OpenFlow 1.4.1 §7.3.4.2 and §7.3.5.10, 1.5.1 §7.3.4.3). */
import type { ByteReader, ByteWriter } from '@tenet/std';
import { PORT } from '../flow.ts';
import type { Bucket, Group, GroupType } from '../group.ts';
import { ACTION_LISTS } from './action-codec.ts';
import { malformed } from './errors.ts';
import { ALL_GROUPS, ANY_GROUP, OPENFLOW_15, type Version } from './protocol.ts';
import { writeLength } from './write-length.ts';

const COMMANDS = { add: 0, modify: 1, delete: 2, add_or_modify: 0x8000 } as const;
export type GroupCommand = keyof typeof COMMANDS;

/** One change of the group table. `add_or_modify` is Open vSwitch's own. */
export interface GroupMod {
  readonly kind: 'group_mod';
  readonly command: GroupCommand;
  readonly group: Group;
}

export function addGroup(group: Group): GroupMod {
  return { kind: 'group_mod', command: 'add', group };
}

/**
 * Removes one group, or all of them; flows that use a removed group go with it. Remove those flows first, in the same
 * bundle or before: Open vSwitch 3.1.0 aborts when a group goes that one flow names twice.
 */
export function deleteGroup(id: number = ALL_GROUPS): GroupMod {
  return { kind: 'group_mod', command: 'delete', group: { id, type: 'all', buckets: [] } };
}

/** In the order of their numbers (enum ofp_group_type). */
const TYPES: readonly GroupType[] = ['all', 'select', 'indirect', 'ff'];

/** Bucket properties of OpenFlow 1.5. */
const WEIGHT = 0;
const WATCH_PORT = 1;
const WATCH_GROUP = 2;
const PROPERTY_BYTES = 8;

/** "No bucket in particular": what a group modification of OpenFlow 1.5 says that brings all buckets. */
const ALL_BUCKETS = 0xffff_ffff;

/** Writes what follows the header of OFPT_GROUP_MOD. */
export function writeGroupMod(w: ByteWriter, { command, group }: GroupMod, version: Version): void {
  w.u16(COMMANDS[command]).u8(TYPES.indexOf(group.type)).zeros(1).u32(group.id);
  if (version !== OPENFLOW_15) {
    writeBuckets(w, group, version);
    return;
  }
  const lengthAt = w.length;
  w.u16(0).zeros(2).u32(ALL_BUCKETS);
  const start = w.length;
  writeBuckets(w, group, version);
  writeLength(w, { at: lengthAt, from: start }, 'list of buckets');
}

export function readGroupMod(r: ByteReader, version: Version): GroupMod {
  const number = r.u16();
  const command = (Object.keys(COMMANDS) as GroupCommand[]).find((name) => COMMANDS[name] === number);
  if (command === undefined) malformed('group modification', `its command ${number} is unknown`);
  const type = readType(r);
  const id = r.u32();
  if (version !== OPENFLOW_15)
    return { kind: 'group_mod', command, group: { id, type, buckets: readBuckets(r, type, version) } };
  const bucketBytes = r.u16();
  r.skip(6);
  const buckets = readBuckets(r.sub(bucketBytes), type, version);
  refuseProperties(r);
  return { kind: 'group_mod', command, group: { id, type, buckets } };
}

/** Writes one entry of a group description reply. */
export function writeGroup(w: ByteWriter, group: Group, version: Version): void {
  const start = w.length;
  w.u16(0).u8(TYPES.indexOf(group.type)).zeros(1).u32(group.id);
  const lengthAt = w.length;
  if (version === OPENFLOW_15) w.zeros(8);
  const buckets = w.length;
  writeBuckets(w, group, version);
  if (version === OPENFLOW_15) writeLength(w, { at: lengthAt, from: buckets }, 'list of buckets');
  writeLength(w, { at: start, from: start }, 'group');
}

export function readGroup(r: ByteReader, version: Version): Group {
  const lengthBytes = r.u16();
  if (lengthBytes < 8) malformed('group description', `an entry claims ${lengthBytes} bytes`);
  const entry = r.sub(lengthBytes - 2);
  const type = readType(entry);
  const id = entry.u32();
  if (version !== OPENFLOW_15) return { id, type, buckets: readBuckets(entry, type, version) };
  const bucketBytes = entry.u16();
  entry.skip(6);
  const buckets = readBuckets(entry.sub(bucketBytes), type, version);
  refuseProperties(entry);
  return { id, type, buckets };
}

function readType(r: ByteReader): GroupType {
  const number = r.u8();
  r.skip(1);
  return TYPES[number] ?? malformed('group', `its type ${number} is unknown`);
}

/** A group's own properties choose how a select group selects: to pass them over would change what it means. */
function refuseProperties(r: ByteReader): void {
  if (r.left > 0) malformed('group', `it has properties of type ${r.u16()}, which are not supported`);
}

function writeBuckets(w: ByteWriter, group: Group, version: Version): void {
  for (const [index, bucket] of group.buckets.entries()) {
    if (version === OPENFLOW_15) writeBucket15(w, bucket, group.type, index);
    else writeBucket(w, bucket, group.type, version);
  }
}

function writeBucket(w: ByteWriter, bucket: Bucket, type: GroupType, version: Version): void {
  const start = w.length;
  w.u16(0).u16(weightOf(bucket, type));
  w.u32(bucket.watchPort ?? PORT.ANY)
    .u32(bucket.watchGroup ?? ANY_GROUP)
    .zeros(4);
  ACTION_LISTS[version].write(w, bucket.actions);
  writeLength(w, { at: start, from: start }, 'bucket');
}

function writeBucket15(w: ByteWriter, bucket: Bucket, type: GroupType, index: number): void {
  const start = w.length;
  w.u16(0)
    .u16(0)
    .u32(bucket.id ?? index);
  const actions = w.length;
  ACTION_LISTS[OPENFLOW_15].write(w, bucket.actions);
  writeLength(w, { at: start + 2, from: actions }, 'list of actions of a bucket');
  const weight = weightOf(bucket, type);
  if (type === 'select' || weight !== 0) w.u16(WEIGHT).u16(PROPERTY_BYTES).u16(weight).zeros(2);
  if (bucket.watchPort !== undefined) w.u16(WATCH_PORT).u16(PROPERTY_BYTES).u32(bucket.watchPort);
  if (bucket.watchGroup !== undefined) w.u16(WATCH_GROUP).u16(PROPERTY_BYTES).u32(bucket.watchGroup);
  writeLength(w, { at: start, from: start }, 'bucket');
}

/** As `ovs-ofctl` has it: buckets of a select group weigh 1 unless told. */
function weightOf({ weight }: Bucket, type: GroupType): number {
  return weight ?? (type === 'select' ? 1 : 0);
}

function readBuckets(r: ByteReader, type: GroupType, version: Version): Bucket[] {
  const buckets: Bucket[] = [];
  while (r.left > 0) {
    const lengthBytes = r.u16();
    if (lengthBytes < 8) malformed('bucket', `it claims ${lengthBytes} bytes`);
    const body = r.sub(lengthBytes - 2);
    buckets.push(version === OPENFLOW_15 ? readBucket15(body, type) : readBucket(body, type, version));
  }
  return buckets;
}

interface Watch {
  readonly weight: number;
  readonly watchPort: number;
  readonly watchGroup: number;
}

function readBucket(r: ByteReader, type: GroupType, version: Version): Bucket {
  const weight = r.u16();
  const watchPort = r.u32();
  const watchGroup = r.u32();
  r.skip(4);
  return bucketOf({ weight, watchPort, watchGroup }, type, { actions: ACTION_LISTS[version].read(r) });
}

function readBucket15(r: ByteReader, type: GroupType): Bucket {
  const actionBytes = r.u16();
  const id = r.u32();
  const actions = ACTION_LISTS[OPENFLOW_15].read(r.sub(actionBytes));
  let watch: Watch = { weight: 0, watchPort: PORT.ANY, watchGroup: ANY_GROUP };
  while (r.left > 0) {
    const property = r.u16();
    if (r.u16() !== PROPERTY_BYTES) malformed('bucket', `its property ${property} does not have 8 bytes`);
    const value = r.sub(PROPERTY_BYTES - 4);
    if (property === WEIGHT) watch = { ...watch, weight: value.u16() };
    else if (property === WATCH_PORT) watch = { ...watch, watchPort: value.u32() };
    else if (property === WATCH_GROUP) watch = { ...watch, watchGroup: value.u32() };
    else malformed('bucket', `its property ${property} is unknown`);
  }
  return bucketOf(watch, type, { id, actions });
}

/** A bucket without those parts whose value says "none". */
function bucketOf({ weight, watchPort, watchGroup }: Watch, type: GroupType, bucket: Bucket): Bucket {
  return {
    ...bucket,
    ...(type === 'select' || weight !== 0 ? { weight } : {}),
    ...(watchPort === PORT.ANY ? {} : { watchPort }),
    ...(watchGroup === ANY_GROUP ? {} : { watchGroup }),
  };
}
