import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorKinds, Ip, isTenetError, kind } from '@tenet/std';
import { originalTuples } from './flush-tuples.ts';
import { mentionsSource, ServiceConntrack } from './service-conntrack.ts';

/** As `ovs-appctl dpctl/dump-conntrack zone=25` of OVS 3.1 prints entries. */
const DUMP = [
  'tcp,orig=(src=10.131.2.45,dst=10.131.2.4,sport=40000,dport=8080),reply=(src=10.131.2.4,dst=10.131.2.45,sport=8080,dport=40000),zone=25,mark=1,protoinfo=(state=ESTABLISHED)',
  'udp,orig=(src=10.131.2.200,dst=10.131.2.7,sport=4,dport=5),reply=(src=10.131.2.7,dst=10.131.2.200,sport=5,dport=4),zone=25,mark=1',
].join('\n');

describe('mentionsSource()', () => {
  const CASES = [
    { ip: '10.131.2.9', is: false, why: 'no entry names it' },
    { ip: '10.131.2.20', is: false, why: 'it is only the beginning of another address' },
    { ip: '10.131.2.45', is: true, why: 'it is the source of an original direction' },
    { ip: '10.131.2.7', is: true, why: 'it is the source of a reply direction' },
  ];
  for (const { ip, is, why } of CASES) {
    test(`is ${is} for ${ip}: ${why}`, () => assert.equal(mentionsSource(DUMP, Ip.parse(ip)), is));
  }
});

describe('originalTuples()', () => {
  test('names each connection as dpctl/flush-conntrack wants it, and passes over what it cannot name', () => {
    const icmp =
      'icmp,orig=(src=10.131.2.9,dst=10.131.2.4,id=77,type=8,code=0),reply=(src=10.131.2.4,dst=10.131.2.9,id=77,type=0,code=0),zone=25';
    const others = ['', 'igmp,orig=(src=10.131.2.9,dst=224.0.0.1),reply=(src=224.0.0.1,dst=10.131.2.9),zone=25'];
    assert.deepEqual(originalTuples([...DUMP.split('\n'), icmp, ...others]), [
      'ct_nw_proto=6,ct_nw_src=10.131.2.45,ct_nw_dst=10.131.2.4,ct_tp_src=40000,ct_tp_dst=8080',
      'ct_nw_proto=17,ct_nw_src=10.131.2.200,ct_nw_dst=10.131.2.7,ct_tp_src=4,ct_tp_dst=5',
      'ct_nw_proto=1,ct_nw_src=10.131.2.9,ct_nw_dst=10.131.2.4,icmp_id=77,icmp_type=8,icmp_code=0',
    ]);
  });
});

describe("ServiceConntrack on the kernel's datapath", () => {
  const { error: failure } = errorKinds({
    OPENFLOW_REFUSED: kind<{ what: string }>({ says: ({ what }) => `refused the ${what}`, remedy: () => 'upgrade' }),
    OPENFLOW_CLOSED: kind<{ what: string }>({ says: ({ what }) => `lost the ${what}`, remedy: () => 'reconnect' }),
  });
  const IP = Ip.parse('10.131.2.4');
  /** What is asked of a switch that answers so, and what of the kernel. */
  async function flushed(answer: () => Promise<void>) {
    const [asked, forgotten]: [string[], unknown[]] = [[], []];
    const ovs = {
      flush: (zone: number, direction: string) => {
        asked.push(`${zone} ${direction}`);
        return answer();
      },
      control: () => Promise.reject(new Error('nobody needs the control socket')),
    };
    await new ServiceConntrack('system', ovs, (filter) => void forgotten.push(filter)).flush(IP);
    return { asked, forgotten };
  }

  test('flush() deletes by ctnetlink, in its own zone alone, when the switch refuses to', async () => {
    assert.deepEqual(await flushed(() => Promise.reject(failure('OPENFLOW_REFUSED', { what: 'ct_flush' }))), {
      asked: ['25 orig'],
      forgotten: [
        { zone: 25, originalSource: IP },
        { zone: 25, replySource: IP },
      ],
    });
  });

  test('flush() leaves it to a switch that does it', async () => {
    assert.deepEqual(await flushed(() => Promise.resolve()), { asked: ['25 orig', '25 reply'], forgotten: [] });
  });

  test('flush() fails when the switch was lost: nobody knows then what it still tracks', async () => {
    await assert.rejects(
      flushed(() => Promise.reject(failure('OPENFLOW_CLOSED', { what: 'connection' }))),
      (error) => isTenetError(error, 'OPENFLOW_CLOSED'),
    );
  });
});
