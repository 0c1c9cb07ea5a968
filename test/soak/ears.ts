import { PacketSocket } from '@tenet/host';
import { type CastPod, mayMeet } from './cast.ts';
import { markIn } from './mark.ts';

/** A packet that arrived where it never may. */
export interface Leak {
  readonly at: string;
  readonly from: string;
  readonly to: string;
  /** What kind of frame, or what a socket was answered. */
  readonly how: string;
}

/** One pod's link, as long as somebody listens on it. */
export interface Ear extends Disposable {
  readonly pod: CastPod;
  /** Sends a frame from the pod, as it is. */
  send(frame: Uint8Array): void;
}

/** How often the links are read: a socket's buffer holds hundreds of frames. */
const LISTEN_MS = 25;

/**
 * Listens on the links of all pods that it is told of, to every frame that comes in: a marked one that a pod of
 * another circle has sent is a leak. What may arrive is counted by its kind, so that silence means something.
 */
export class Ears implements Disposable {
  readonly leaks: Leak[] = [];
  /** How many marked frames arrived where they may, by kind. */
  readonly heard = new Map<string, number>();
  /** Everybody who ever listened, by UID: a frame may outlive its sender. */
  readonly #known = new Map<string, CastPod>();
  readonly #open = new Map<CastPod, PacketSocket>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#listenToAll(), LISTEN_MS);
  }

  /** The pods that are listened to at this moment. */
  get present(): readonly CastPod[] {
    return [...this.#open.keys()];
  }

  listen(pod: CastPod): Ear {
    const socket = PacketSocket.open({ namespace: pod.netns, link: 'eth0' });
    this.#known.set(pod.uid, pod);
    this.#open.set(pod, socket);
    return {
      pod,
      send: (frame) => socket.send(frame),
      [Symbol.dispose]: () => {
        // An open socket would keep the namespace, and with it the link, alive.
        if (!this.#open.delete(pod)) return;
        this.#listenTo(pod, socket);
        socket[Symbol.dispose]();
      },
    };
  }

  report(leak: Omit<Leak, 'at'>): void {
    this.leaks.push({ at: new Date().toISOString(), ...leak });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const [pod, socket] of this.#open) {
      this.#listenTo(pod, socket);
      socket[Symbol.dispose]();
    }
    this.#open.clear();
  }

  #listenToAll(): void {
    for (const [pod, socket] of this.#open) this.#listenTo(pod, socket);
  }

  #listenTo(pod: CastPod, socket: PacketSocket): void {
    for (const frame of socket.received()) {
      const mark = markIn(frame);
      if (mark === undefined) continue;
      const sender = this.#known.get(mark.from);
      if (sender !== undefined && mayMeet(sender, pod)) {
        this.heard.set(mark.how, (this.heard.get(mark.how) ?? 0) + 1);
      } else {
        const meant = this.#known.get(mark.to)?.name ?? mark.to;
        const from = `${sender?.name ?? mark.from} on ${sender?.node} (${sender?.ip})`;
        const to = `${pod.name} on ${pod.node} (${pod.ip}), meant for ${meant}`;
        this.report({ from, to, how: mark.how });
      }
    }
  }
}
