import { z } from 'zod';

/** The one question that can be asked at the status socket. */
export const STATUS_PATH = '/status';

/** A moment as RFC 3339 text. */
const moment = z.iso.datetime();

/** Something that is wrong, and what to do about it. */
const PROBLEM = z.object({
  /** Of one of the daemon's own errors. */
  code: z.string().nullable(),
  sentence: z.string(),
  remedy: z.string(),
  /** Since when, where that is known. */
  since: moment.nullable(),
});

const CONNECTION = z.object({ connected: z.boolean() });

/**
 * What the daemon says of its node: the answer to `GET /status`, and what `tenet node status -o json` prints. Scripts
 * rely on these names. What is not known, or not yet, is null.
 */
export const NODE_STATUS = z.object({
  node: z.string(),
  version: z.string(),
  /** ready: pods are carried. degraded: they were, and something that they need is missing now. */
  state: z.enum(['starting', 'ready', 'degraded']),
  startedAt: moment,
  datapath: z.string(),
  ip: z.string().nullable(),
  subnet: z.string().nullable(),
  openvswitch: z.object({
    version: z.string().nullable(),
    /** The kernel module's; `<built-in>` for the userspace datapath. */
    datapathVersion: z.string().nullable(),
    ovsdb: CONNECTION,
    vswitchd: CONNECTION,
    fragmentMode: z.string().nullable(),
    bridge: z.string(),
    /** The ports that every flow counts on. */
    ports: z.array(z.object({ name: z.string(), ofPort: z.number().nullable(), expected: z.number() })),
  }),
  iptables: z.string().nullable(),
  /** Rules of others in the other variant of iptables, which packets pass too. */
  otherIptablesRules: z.number().nullable(),
  /** Null when another kube-proxy forwards them. */
  services: z
    .object({
      backEnd: z.enum(['iptables', 'nftables']),
      services: z.number(),
      ports: z.number(),
      endpoints: z.number(),
      /** Changes that are not yet in the kernel. */
      pending: z.number(),
      /** When the rules were last known to be what they should be. */
      lastSync: moment.nullable(),
      /** They are, and changes do not wait for long. */
      ready: z.boolean(),
    })
    .nullable(),
  leases: z.object({ used: z.number(), capacity: z.number() }).nullable(),
  pods: z.object({
    wired: z.number(),
    withProblem: z.array(z.object({ pod: z.string(), ip: z.string(), problem: z.string(), remedy: z.string() })),
  }),
  peers: z.object({ count: z.number(), refused: z.array(z.object({ name: z.string(), problem: z.string() })) }),
  /** By the kind in their cookies; `stranger` are those of nobody. */
  flows: z.array(z.object({ kind: z.string(), installed: z.number().nullable(), desired: z.number().nullable() })),
  /** Packets since the daemon started, every class. */
  drops: z.array(z.object({ class: z.string(), packets: z.number(), means: z.string(), alarming: z.boolean() })),
  /** Packets that the host's own rules have dropped since the daemon started, every guard. */
  guards: z.array(z.object({ guard: z.string(), packets: z.number(), means: z.string() })),
  reconcile: z.object({
    /** The last comparison of the flows. */
    lastPass: z.object({ at: moment, seconds: z.number() }).nullable(),
    lastChange: z
      .object({ at: moment, step: z.string(), added: z.number(), removed: z.number(), changed: z.number() })
      .nullable(),
    steps: z.array(
      z.object({
        step: z.string(),
        passes: z.number(),
        failures: z.number(),
        lastSuccess: moment.nullable(),
        lastSeconds: z.number(),
      }),
    ),
  }),
  problems: z.array(PROBLEM),
});

export type NodeStatus = z.infer<typeof NODE_STATUS>;
export type NodeProblem = z.infer<typeof PROBLEM>;
