import type { ChainPlace } from '@tenet/proxy';

/** Where the rules of services are kept, and how they are read and written there. */
export interface RulesAccess extends Disposable {
  readonly backEnd: 'iptables' | 'nftables';
  /** Whether somebody else may have changed them since they were read. Costs some system calls. */
  isSuspect(): boolean;
  /** Shows someone what is installed each time it was read, whoever asked for that, while nobody writes. */
  onRead(reader: (installed: string, only?: readonly ChainPlace[]) => void): Disposable;
  /** Reads all; or, when told that the rest is known, what others have changed, as far as that can be told. */
  read(options: { readonly isRestKnown: boolean; readonly signal: AbortSignal }): Promise<void>;
  /** Reads while nobody waits for it: shows nothing if something was written meanwhile. */
  glance(signal: AbortSignal): Promise<void>;
  /** Lets someone write who knows that nobody else reads or writes by these means meanwhile. */
  turn<T>(work: (write: (text: string) => Promise<void>) => Promise<T>, signal: AbortSignal): Promise<T>;
}
