import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, Mac } from '@tenet/std';
import { CAPTURES } from '../../testing/captures.ts';
import { CONNECTION_ERRORS } from '../connection/index.ts';
import { errorName } from './error-names.ts';
import { CODEC_ERRORS } from './errors.ts';
import type { Message } from './message.ts';
import { decodeMessage } from './message-codec.ts';

/** What captures mean, by version, part of the command, and the number of the message's type. */
const MEANINGS: readonly (readonly [version: number, part: string, type: number, is: Message])[] = [
  [
    5,
    'actions=group:77',
    1,
    {
      kind: 'error',
      type: 2,
      code: 9,
      typeName: 'OFPET_BAD_ACTION',
      codeName: 'OFPBAC_BAD_OUT_GROUP',
      data: tail('actions=group:77', 5, 1, 4),
    },
  ],
  [5, 'dump-aggregate br0', 0, { kind: 'hello', versions: [5] }],
  [
    5,
    '--bundle add-flows',
    33,
    { kind: 'bundle_control', id: 0, step: 'commit_reply', flags: { atomic: false, ordered: false } },
  ],
  [
    4,
    '--bundle add-flows',
    4,
    { kind: 'bundle_control', id: 0, step: 'commit_request', flags: { atomic: true, ordered: true } },
  ],
  [5, 'get-frags', 8, { kind: 'get_config_reply', fragments: 'nx-match', missSendLen: 0 }],
  [
    6,
    'add-group br0 group_id=2',
    15,
    {
      kind: 'group_mod',
      command: 'add',
      group: { id: 2, type: 'ff', buckets: [{ id: 0, watchPort: 1, actions: [{ kind: 'output', port: 1 }] }] },
    },
  ],
  [
    5,
    'ct-flush br0 zone=5 ct_nw_src=10.1.1.1,ct_nw_dst=10.1.1.2',
    4,
    {
      kind: 'ct_flush',
      zone: 5,
      ipProto: 17,
      orig: { src: { family: 4, value: 0x0a01_0101n }, dst: { family: 4, value: 0x0a01_0102n }, srcPort: 1 },
      reply: { src: { family: 4, value: 0x0a01_0103n } },
    },
  ],
  [
    5,
    'dump-ports-desc',
    19,
    {
      kind: 'multipart_reply',
      type: 'port_desc',
      more: false,
      entries: [
        {
          port: 0xffff_fffe,
          name: 'br0',
          mac: Mac.parse('82:7e:24:8e:af:4f'),
          config: 1,
          state: 1,
          features: { current: 0x840, advertised: 0, supported: 0, peer: 0 },
          currentSpeedKbps: 10_000_000,
          maxSpeedKbps: 0,
        },
      ],
    },
  ],
];

function captures(part: string, version: number, type: number): Uint8Array[] {
  const start = `0${version}${type.toString(16).padStart(2, '0')}`;
  return CAPTURES.filter(({ command, hex }) => command.includes(part) && hex.startsWith(start)).map(({ hex }) =>
    fromHex(hex),
  );
}

/** The bytes of the first such capture behind its header and so many more. */
function tail(part: string, version: number, type: number, more: number): Uint8Array {
  return captures(part, version, type)[0]?.subarray(8 + more) ?? new Uint8Array(0);
}

for (const [version, part, type, is] of MEANINGS) {
  test(`decodeMessage() reads ${is.kind} from "${part}" in wire version ${version}`, () => {
    const messages = captures(part, version, type).map((bytes) => decodeMessage(bytes).message);
    // A command may cause several messages of one type: the one that is meant is told by its first fact.
    const ours = messages.find(
      (message) => message.kind === is.kind && (!('step' in message) || !('step' in is) || message.step === is.step),
    );
    assert.deepEqual(ours, is);
  });
}

const NAMES: readonly (readonly [type: number, code: number, experimenter: number | undefined, codeName: string])[] = [
  [4, 9, undefined, 'OFPBMC_BAD_PREREQ'],
  [17, 13, undefined, 'OFPBFC_MSG_FAILED'],
  [0xffff, 2313, 0x4f4e_4600, 'OFPBFC_MSG_FAILED'],
  [0xffff, 15, 0x2320, 'NXBAC_BAD_CONJUNCTION'],
  [4, 99, undefined, 'OFPBMC_99'],
  [99, 3, undefined, '3'],
  [0xffff, 1, 0x1234, '1'],
];
for (const [type, code, experimenter, codeName] of NAMES) {
  test(`errorName() calls ${[type, code, experimenter ?? ''].join('/')} ${codeName}`, () => {
    assert.equal(errorName(type, code, experimenter).codeName, codeName);
  });
}

for (const [code, { remedy }] of Object.entries({ ...CODEC_ERRORS, ...CONNECTION_ERRORS })) {
  test(`the remedy of ${code} starts with a verb`, () => {
    assert.match(code, /^OPENFLOW_[A-Z_]+$/);
    assert.match(
      (remedy as (facts: unknown) => string)({ peer: '/run/br0.mgmt' }),
      /^(check|choose|run|raise|remove|wait)\b/,
    );
  });
}
