/**
 * Flows for property tests of this package: the wire codec and the text share this one generator. Every field and
 * every kind of action occurs, each only where Open vSwitch 3.1 accepts it, so that the same flows can be put into a
 * real switch; and everything is in the form that a switch reports (canonical match, padded notes, no empty maps).
 */
import fc, { type Arbitrary } from 'fast-check';
import type { Flow, FlowStats } from '../src/index.ts';
import { arbitraryActions, LAST_TABLE } from './arbitrary-action.ts';
import { arbitraryMatch } from './arbitrary-match.ts';

export interface FlowOptions {
  /** With counters; without unless told. */
  readonly stats?: boolean;
  /** The OFPFF_* bits that may be set; all five unless told. */
  readonly flags?: number;
  /** Groups that flows may name; some unless told. */
  readonly groups?: readonly number[];
  /** Meters that flows may name; some unless told. */
  readonly meters?: readonly number[];
}

export function arbitraryFlow({
  stats = false,
  flags = 0x1f,
  groups = [1, 7],
  meters = [1, 9],
}: FlowOptions = {}): Arbitrary<Flow> {
  return fc.tuple(arbitraryMatch(), fc.integer({ min: 0, max: LAST_TABLE })).chain(([match, table]) =>
    fc
      .tuple(
        fc.record(
          {
            idleTimeoutS: fc.integer({ min: 1, max: 0xffff }),
            hardTimeoutS: fc.integer({ min: 1, max: 0xffff }),
            importance: fc.integer({ min: 1, max: 0xffff }),
            ...(flags === 0 ? {} : { flags: fc.integer({ min: 1, max: 0x1f }).map((bits) => bits & flags) }),
            ...(stats ? { stats: STATS } : {}),
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
        fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constant(0x8000)),
        fc.oneof(fc.constant(0n), fc.bigInt(0n, (1n << 64n) - 2n)),
        arbitraryActions({ match, table, groups, meters }),
      )
      .map(([rest, priority, cookie, actions]) =>
        withoutZeroFlags({ table, priority, cookie, ...rest, match, actions }),
      ),
  );
}

const COUNTER = fc.bigInt(0n, (1n << 64n) - 1n);
const AGE = fc.integer({ min: 0, max: 0xffff });

const STATS: Arbitrary<FlowStats> = fc.record(
  {
    durationMs: fc.integer({ min: 0, max: 0xffff_ffff }),
    packets: COUNTER,
    bytes: COUNTER,
    idleAgeS: AGE,
    hardAgeS: AGE,
  },
  { requiredKeys: ['durationMs', 'packets', 'bytes'], noNullPrototype: true },
);

function withoutZeroFlags({ flags, ...flow }: Flow): Flow {
  return flags ? { ...flow, flags } : flow;
}
