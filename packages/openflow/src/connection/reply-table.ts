/** Who waits for which xid, and until when. */
import type { ErrorMessage, Message } from '../codec/message.ts';

/** A caller who waits for messages of one xid. */
interface Wait {
  take(message: Message): void;
  fail(error: unknown): void;
}

/** A run of messages that are answered only when they fail. */
export interface Watch extends Disposable {
  readonly firstXid: number;
  readonly count: number;
  onError(xid: number, error: ErrorMessage): void;
}

export interface AwaitOptions<T> {
  readonly xid: number;
  readonly deadlineMs: number;
  /** What the deadline's end means. */
  timedOut(): Error;
  /** Takes one message: the answer, or undefined to wait for more; what it throws is the caller's error. */
  take(message: Message): T | undefined;
}

/** The waits of one connection. Each ends by an answer, by its deadline, or by `failAll`. */
export class ReplyTable {
  readonly #waits = new Map<number, Wait>();
  readonly #watches = new Set<Omit<Watch, typeof Symbol.dispose>>();

  wait<T>({ xid, deadlineMs, timedOut, take }: AwaitOptions<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        this.#waits.delete(xid);
      };
      const fail = (error: unknown) => {
        end();
        reject(error);
      };
      const timer = setTimeout(() => fail(timedOut()), deadlineMs);
      this.#waits.set(xid, {
        fail,
        take(message) {
          try {
            const answer = take(message);
            if (answer === undefined) return;
            end();
            resolve(answer);
          } catch (error) {
            fail(error);
          }
        },
      });
    });
  }

  /** Reports errors that come for any of `count` xids, until it is disposed. */
  watch(watch: Omit<Watch, typeof Symbol.dispose>): Watch {
    this.#watches.add(watch);
    return { ...watch, [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  /** False when nobody waits for the message. */
  deliver(xid: number, message: Message): boolean {
    const wait = this.#waits.get(xid);
    if (wait !== undefined) {
      wait.take(message);
      return true;
    }
    if (message.kind !== 'error') return false;
    for (const watch of this.#watches) {
      if (xid < watch.firstXid || xid >= watch.firstXid + watch.count) continue;
      watch.onError(xid, message);
      return true;
    }
    return false;
  }

  /** Ends the wait for one xid with an error; false when nobody waits for it. */
  fail(xid: number, error: unknown): boolean {
    const wait = this.#waits.get(xid);
    wait?.fail(error);
    return wait !== undefined;
  }

  failAll(error: unknown): void {
    for (const wait of [...this.#waits.values()]) wait.fail(error);
  }
}
