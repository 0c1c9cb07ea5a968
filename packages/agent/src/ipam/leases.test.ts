import assert from 'node:assert/strict';
import { existsSync, mkdtempDisposableSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ip, isTenetError, type Logger, Prefix, SILENT } from '@tenet/std';
import fc from 'fast-check';
import { writeLease } from './lease-file.ts';
import { Leases, type NewLease } from './leases.ts';

const SUBNET = Prefix.parse('10.131.2.0/29');
const ROOM = 5;

function directory() {
  return mkdtempDisposableSync(join(tmpdir(), 'tenet-leases-'));
}

function attachment(n: number) {
  return { containerId: `c${n}`, ifName: 'eth0' };
}

/** What an ADD for that attachment leases with. */
function lease(n: number): NewLease {
  const pod = { namespace: 'alpha', name: `web${n}`, uid: `u${n}` };
  return { attachment: attachment(n), netns: `/run/netns/c${n}`, pod, network: 'tenet' };
}

describe('Leases', () => {
  const REFUSED = [
    { name: 'the network address', ip: '10.131.2.0', code: 'ADDRESS_NOT_HERE' },
    { name: 'the gateway', ip: '10.131.2.1', code: 'ADDRESS_NOT_HERE' },
    { name: 'the broadcast address', ip: '10.131.2.7', code: 'ADDRESS_NOT_HERE' },
    { name: "another node's address", ip: '10.131.4.5', code: 'ADDRESS_NOT_HERE' },
    { name: 'an address that another has', ip: '10.131.2.3', code: 'ADDRESS_TAKEN' },
  ];
  for (const { name, ip, code } of REFUSED) {
    test(`acquire() refuses ${name} and leaves nothing behind`, () => {
      using dir = directory();
      const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
      leases.acquire(lease(1), Ip.parse('10.131.2.3'));
      const before = readdirSync(dir.path);
      assert.throws(
        () => leases.acquire(lease(2), Ip.parse(ip)),
        (error) => isTenetError(error, code),
      );
      assert.deepEqual(readdirSync(dir.path), before);
    });
  }

  test('acquire() refuses with SUBNET_FULL when every address is leased, and works again after one is released', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const taken = Array.from({ length: ROOM }, (_, n) => leases.acquire(lease(n)));
    assert.equal(new Set(taken.map(String)).size, ROOM);
    assert.throws(
      () => leases.acquire(lease(99)),
      (error) => isTenetError(error, 'SUBNET_FULL') && error.facts.leases === ROOM,
    );
    leases.release(taken[2] as Ip);
    assert.equal(leases.acquire(lease(99)).toString(), String(taken[2]));
  });

  test('a lease that says nothing keeps its address taken, and is told of', () => {
    using dir = directory();
    writeFileSync(join(dir.path, '10.131.2.4'), '');
    const told: string[] = [];
    const log: Logger = { ...SILENT, warn: (phrase, facts) => void told.push(`${phrase}: ${facts?.path}`) };
    const leases = new Leases(dir.path, { subnet: SUBNET, log });
    assert.deepEqual(told, [`lease unreadable: ${join(dir.path, '10.131.2.4')}`]);
    const given = Array.from({ length: ROOM - 1 }, (_, n) => String(leases.acquire(lease(n))));
    assert.ok(!given.includes('10.131.2.4'));
    assert.throws(
      () => leases.acquire(lease(9)),
      (error) => isTenetError(error, 'SUBNET_FULL'),
    );
  });

  test("adopt() gives a pod that the switch knows its lease back, and never takes another's", () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = Ip.parse('10.131.2.4');
    assert.equal(leases.adopt(lease(1), ip), true);
    assert.equal(leases.adopt(lease(1), ip), true);
    assert.equal(leases.adopt(lease(2), ip), false);
    assert.equal(String(new Leases(dir.path, { subnet: SUBNET, log: SILENT }).of(attachment(1))), '10.131.2.4');
  });

  test('acquire() goes round: a released address is the last to be given again', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const first = leases.acquire(lease(1));
    leases.release(first);
    const next = Array.from({ length: ROOM }, (_, n) => String(leases.acquire(lease(10 + n))));
    assert.equal(next.at(-1), String(first));
  });

  test('acquire() gives an attachment the address that it has', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.equal(String(leases.acquire(lease(1))), String(leases.acquire(lease(1))));
    assert.equal(leases.all.size, 1);
  });

  test('a new Leases on the same directory has the same leases and goes on where the old one was', () => {
    using dir = directory();
    const before = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    before.acquire(lease(1));
    const second = before.acquire(lease(2));
    before.release(before.of(attachment(1)) as Ip);
    const after = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.equal(String(after.of(attachment(2))), String(second));
    assert.equal(String(after.acquire(lease(3))), '10.131.2.4');
  });

  test('a draft that a kill left behind is no lease and goes at the next start', () => {
    using dir = directory();
    writeFileSync(join(dir.path, '.10.131.2.4'), 'c1');
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.equal(leases.all.size, 0);
    assert.equal(existsSync(join(dir.path, '.10.131.2.4')), false);
  });

  test('a lease alone tells all that its port is made from, and after a restart whether its ADD was through', () => {
    using dir = directory();
    const before = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = before.acquire(lease(7));
    before.markAttached(before.acquire(lease(8)));
    const after = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.deepEqual(after.all.get(String(ip)), { ...lease(7), isAttached: false });
    assert.deepEqual(after.leaseOf(attachment(8)), { ...lease(8), isAttached: true });
  });

  test('acquire() of an attachment that is attached keeps it so, and notes what has changed of it', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = leases.acquire(lease(1));
    leases.markAttached(ip);
    leases.acquire({ ...lease(1), netns: '/run/netns/moved' });
    const after = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.deepEqual(after.all.get(String(ip)), { ...lease(1), netns: '/run/netns/moved', isAttached: true });
  });

  test('a lease of two lines, as it was once written, is read, and completed by what the switch knows', () => {
    using dir = directory();
    writeFileSync(join(dir.path, '10.131.2.4'), 'c1\neth0\n');
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.equal(String(leases.of(attachment(1))), '10.131.2.4');
    assert.equal(leases.leaseOf(attachment(1))?.isAttached, false);
    assert.equal(leases.adopt(lease(1), Ip.parse('10.131.2.4')), true);
    const after = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.deepEqual(after.leaseOf(attachment(1)), { ...lease(1), isAttached: true });
  });

  test('adopt() gives a pod that the switch knows a lease that says nothing', () => {
    using dir = directory();
    writeFileSync(join(dir.path, '10.131.2.4'), '');
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    assert.equal(leases.adopt(lease(1), Ip.parse('10.131.2.4')), true);
    assert.deepEqual(leases.unreadable, []);
    assert.equal(String(leases.of(attachment(1))), '10.131.2.4');
  });

  test('release() frees an address whose file somebody has removed already', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = leases.acquire(lease(1));
    unlinkSync(join(dir.path, String(ip)));
    assert.equal(leases.release(ip), true);
    assert.equal(leases.all.size, 0);
  });

  test('acquire() fails with LEASE_NOT_WRITTEN and leases nothing when the directory is gone', () => {
    using dir = directory();
    const leases = new Leases(join(dir.path, 'leases'), { subnet: SUBNET, log: SILENT });
    rmSync(join(dir.path, 'leases'), { recursive: true });
    assert.throws(
      () => leases.acquire(lease(1)),
      (error) => isTenetError(error, 'LEASE_NOT_WRITTEN') && error.facts.reason === 'ENOENT',
    );
    assert.equal(leases.all.size, 0);
  });

  test('acquire() refuses another address to an attachment that has one, and changes nothing', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    leases.markAttached(leases.acquire(lease(1)));
    const before = [readdirSync(dir.path), leases.leaseOf(attachment(1))];
    assert.throws(
      () => leases.acquire(lease(1), Ip.parse('10.131.2.5')),
      (error) =>
        isTenetError(error, 'ADDRESS_HELD') &&
        error.message === 'c1/eth0 has the address 10.131.2.2, and asks for 10.131.2.5',
    );
    assert.deepEqual([readdirSync(dir.path), leases.leaseOf(attachment(1))], before);
  });

  test('acquire() passes over a lease that somebody put there meanwhile, and remembers whose it is', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    writeFileSync(join(dir.path, '10.131.2.2'), writeLease({ ...lease(7), isAttached: true }));
    writeFileSync(join(dir.path, '10.131.2.3'), '');
    assert.equal(String(leases.acquire(lease(1))), '10.131.2.4');
    assert.equal(String(leases.acquire(lease(2))), '10.131.2.5');
    assert.deepEqual(leases.leaseOf(attachment(7)), { ...lease(7), isAttached: true });
    assert.deepEqual(leases.unreadable.map(String), ['10.131.2.3']);
    assert.equal(String(leases.acquire(lease(7))), '10.131.2.2');
  });

  test('acquire() refuses a requested address whose lease somebody put there meanwhile', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    writeFileSync(join(dir.path, '10.131.2.3'), writeLease({ ...lease(7), isAttached: true }));
    assert.throws(
      () => leases.acquire(lease(1), Ip.parse('10.131.2.3')),
      (error) => isTenetError(error, 'ADDRESS_TAKEN') && error.facts.owner === 'c7/eth0',
    );
  });

  test('markLeaving() is remembered after a restart, and undone by the next ADD that is through', () => {
    using dir = directory();
    const reread = () => new Leases(dir.path, { subnet: SUBNET, log: SILENT }).leaseOf(attachment(1));
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = leases.acquire(lease(1));
    leases.markAttached(ip);
    leases.markLeaving(attachment(1));
    assert.deepEqual([leases.leaseOf(attachment(1)), reread()], Array(2).fill({ ...lease(1), isAttached: false }));
    leases.markAttached(leases.acquire(lease(1)));
    assert.deepEqual(reread(), { ...lease(1), isAttached: true });
  });

  test('markLeaving() is fine with a lease whose file somebody has removed', () => {
    using dir = directory();
    const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
    const ip = leases.acquire(lease(1));
    leases.markAttached(ip);
    unlinkSync(join(dir.path, String(ip)));
    leases.markLeaving(attachment(1));
    assert.equal(leases.leaseOf(attachment(1))?.isAttached, false);
    assert.deepEqual(
      readdirSync(dir.path).filter((name) => name !== 'cursor'),
      [],
    );
  });

  /** Two leases of one attachment at a start, what the switch says, and which are left, in memory as on the disk. */
  const TWINS: readonly {
    readonly name: string;
    readonly attached: readonly string[];
    readonly not: readonly string[];
    readonly port?: string;
    readonly left: readonly string[];
  }[] = [
    { name: 'that of which the runtime was told', attached: ['3'], not: ['4'], left: ['3'] },
    { name: 'that of which the runtime was told, read last', attached: ['4'], not: ['3'], left: ['4'] },
    { name: 'that which the port has, of two half made', attached: [], not: ['3', '4'], port: '3', left: ['3'] },
    { name: 'that which the port has, of two attached', attached: ['3', '4'], not: [], port: '3', left: ['3'] },
    { name: 'that of the port, which had none', attached: [], not: ['3'], port: '4', left: ['4'] },
    {
      name: 'that of which the runtime was told, whatever the port says',
      attached: ['3'],
      not: [],
      port: '4',
      left: ['3'],
    },
    { name: 'both, as long as nobody knows', attached: [], not: ['3', '4'], left: ['3', '4'] },
  ];
  for (const { name, attached, not, port, left } of TWINS) {
    test(`of two leases of one attachment a start keeps ${name}`, () => {
      using dir = directory();
      for (const [ips, isAttached] of [
        [attached, true],
        [not, false],
      ] as const)
        for (const ip of ips) writeFileSync(join(dir.path, `10.131.2.${ip}`), writeLease({ ...lease(1), isAttached }));
      const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
      if (port !== undefined) assert.equal(leases.adopt(lease(1), Ip.parse(`10.131.2.${port}`)), true);
      const kept = left.map((ip) => `10.131.2.${ip}`);
      assert.deepEqual(leases.addressesOf(attachment(1)).map(String).sort(), kept);
      assert.deepEqual(readdirSync(dir.path).sort(), kept);
      assert.ok(kept.includes(String(leases.of(attachment(1)))));
    });
  }

  test('release() of one of two leases of an attachment leaves the other to it', () => {
    using dir = directory();
    for (const ip of ['10.131.2.3', '10.131.2.4'])
      writeFileSync(join(dir.path, ip), writeLease({ ...lease(1), isAttached: true }));
    for (const gone of ['10.131.2.3', '10.131.2.4']) {
      const leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
      leases.release(Ip.parse(gone));
      const kept = gone === '10.131.2.3' ? '10.131.2.4' : '10.131.2.3';
      assert.equal(String(leases.of(attachment(1))), kept);
      writeFileSync(join(dir.path, gone), writeLease({ ...lease(1), isAttached: true }));
    }
  });

  test('checkWritable() throws when no lease can be written, not when the subnet is full, and changes nothing', () => {
    using dir = directory();
    const leases = new Leases(join(dir.path, 'leases'), { subnet: SUBNET, log: SILENT });
    const fails = (code: string) =>
      assert.throws(
        () => leases.checkWritable(),
        (error) => isTenetError(error, code),
      );
    for (let n = 0; n < ROOM; n++) {
      const before = readdirSync(join(dir.path, 'leases'));
      leases.checkWritable();
      assert.deepEqual(readdirSync(join(dir.path, 'leases')), before);
      leases.acquire(lease(n));
    }
    leases.checkWritable();
    rmSync(join(dir.path, 'leases'), { recursive: true });
    fails('LEASE_NOT_WRITTEN');
  });

  test('whatever is acquired, released and restarted, no address has two owners', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('acquire' as const), n: fc.nat(9) }),
      fc.record({ kind: fc.constant('release' as const), n: fc.nat(9) }),
      fc.record({ kind: fc.constant('restart' as const), n: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        using dir = directory();
        let leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
        const owners = new Map<string, number>();
        for (const { kind, n } of commands) {
          if (kind === 'restart') leases = new Leases(dir.path, { subnet: SUBNET, log: SILENT });
          else if (kind === 'release') {
            const ip = leases.of(attachment(n));
            if (ip !== undefined) leases.release(ip);
            for (const [address, owner] of owners) if (owner === n) owners.delete(address);
          } else if (owners.size < ROOM || [...owners.values()].includes(n)) {
            const ip = String(leases.acquire(lease(n)));
            assert.ok(owners.get(ip) === undefined || owners.get(ip) === n);
            owners.set(ip, n);
          } else
            assert.throws(
              () => leases.acquire(lease(n)),
              (error) => isTenetError(error, 'SUBNET_FULL'),
            );
          assert.deepEqual([...leases.all.keys()].sort(), [...owners.keys()].sort());
        }
      }),
      { numRuns: 50 },
    );
  });
});
