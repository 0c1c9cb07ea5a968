/** Every message that we send or understand. */
import type { CtFlush } from './ct-flush-codec.ts';
import type { FlowMod } from './flow-codec.ts';
import type { GroupMod } from './group-codec.ts';
import type { MultipartReply, MultipartRequest } from './multipart-codec.ts';

/** What may travel inside a bundle. */
export type BundledMessage = FlowMod | GroupMod;

/** The steps of a bundle's life, in the order of their numbers (OpenFlow 1.4.1 §7.3.9.2). */
export const BUNDLE_STEPS = [
  'open_request',
  'open_reply',
  'close_request',
  'close_reply',
  'commit_request',
  'commit_reply',
  'discard_request',
  'discard_reply',
] as const;
export type BundleStep = (typeof BUNDLE_STEPS)[number];

/** How a bundle is applied: all or nothing, and in the order given. */
export interface BundleFlags {
  readonly atomic: boolean;
  readonly ordered: boolean;
}

/** An error that the switch sent (OpenFlow 1.4.1 §7.5.4). */
export interface ErrorMessage {
  readonly kind: 'error';
  readonly type: number;
  readonly code: number;
  readonly experimenter?: number;
  /** `OFPET_BAD_MATCH` and `OFPBMC_BAD_PREREQ`. */
  readonly typeName: string;
  readonly codeName: string;
  /** The first bytes of the message that failed, at least 64 of them; text for OFPET_HELLO_FAILED. */
  readonly data: Uint8Array;
}

/** What happens to IP fragments (OFPC_FRAG_*); `nx-match` is Nicira's: they are matched by `ip_frag`. */
export const FRAGMENT_MODES = ['normal', 'drop', 'reassemble', 'nx-match'] as const;
export type FragmentMode = (typeof FRAGMENT_MODES)[number];

/** What the answer to a features request says (OpenFlow 1.4.1 §7.3.1). */
export interface Features {
  readonly kind: 'features_reply';
  readonly datapathId: bigint;
  readonly buffers: number;
  readonly tables: number;
  readonly auxiliaryId: number;
  readonly capabilities: number;
}

/** The versions of the sender's bitmap; absent when it sent none. */
interface Hello {
  readonly kind: 'hello';
  readonly versions?: readonly number[];
}

/** A message that is nothing but its header. */
export interface Bare<K extends string> {
  readonly kind: K;
}

export interface Echo<K extends string> {
  readonly kind: K;
  readonly data: Uint8Array;
}

export interface Config<K extends string> {
  readonly kind: K;
  readonly fragments: FragmentMode;
  /** Bytes of a packet that go to the controller. */
  readonly missSendLen: number;
}

interface BundleControl {
  readonly kind: 'bundle_control';
  readonly id: number;
  readonly step: BundleStep;
  readonly flags: BundleFlags;
}

interface BundleAdd {
  readonly kind: 'bundle_add';
  readonly id: number;
  readonly flags: BundleFlags;
  readonly message: BundledMessage;
}

/** Anything else, kept as it came: packet-in, port status, flow removed, other experimenters. */
interface OtherMessage {
  readonly kind: 'other';
  readonly type: number;
  readonly body: Uint8Array;
}

export type Message =
  | Hello
  | ErrorMessage
  | Echo<'echo_request'>
  | Echo<'echo_reply'>
  | Bare<'features_request'>
  | Features
  | Bare<'get_config_request'>
  | Config<'get_config_reply'>
  | Config<'set_config'>
  | FlowMod
  | GroupMod
  | MultipartRequest
  | MultipartReply
  | Bare<'barrier_request'>
  | Bare<'barrier_reply'>
  | BundleControl
  | BundleAdd
  | CtFlush
  | OtherMessage;

export type MessageKind = Message['kind'];

/** A message with what its header says. */
export interface Envelope {
  readonly version: number;
  readonly xid: number;
  readonly message: Message;
}
