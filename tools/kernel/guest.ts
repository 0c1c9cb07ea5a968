/**
 * What runs in the machine: `guest.js FILE…` brings one lab up on the kernel's datapath and runs the bundled test files
 * on it. Last line: `N passed, N failed in N files`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { Tally } from '../tally.ts';

/** Loaded beforehand: whoever needs one first would wait for it for seconds, iptables longer than the agent lets it. */
const MODULES = [
  ...['openvswitch', 'vxlan', 'bridge', 'veth', 'nft_compat', 'nf_conntrack_netlink', 'sctp'],
  ...['xt_addrtype', 'xt_comment', 'xt_conntrack', 'xt_CT', 'xt_mark', 'xt_MASQUERADE', 'xt_tcpudp'],
  ...['xt_nat', 'xt_recent', 'xt_sctp', 'xt_statistic', 'ipt_REJECT'],
  ...['nft_chain_nat', 'nft_ct', 'nft_fib_ipv4', 'nft_masq', 'nft_nat', 'nft_numgen', 'nft_reject_ipv4'],
];
const FILE_TIMEOUT_MS = 600_000;

const root = join(import.meta.dirname, '../..');
const files = process.argv.slice(2);
const tally = new Tally();

execFileSync('modprobe', ['-a', ...MODULES], { stdio: 'inherit' });
const state = mkdtempSync('/tmp/lab-');
process.env.TENET_TEST_LAB = state;
const up = tenet('up', '--detach', '--datapath', 'system');
if (up !== 0) tally.fault(`lab up ended with ${up}`);
else {
  for (const file of files) {
    await tally.runFiles([file], { root, isolation: 'process', timeoutMs: FILE_TIMEOUT_MS, isWordy: true });
    console.log(`  ${basename(file, '.js')}: ${tally.secondsOf(file)} s`);
  }
  tally.close();
}
const down = tenet('down');
if (down !== 0) tally.fault(`lab down ended with ${down}`);
const left = readdirSync('/run/netns');
if (left.length > 0) tally.fault(`lab down has left ${left.join(', ')}`);
console.log(`${tally.passed} passed, ${tally.failed} failed in ${files.length} files`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function tenet(verb: string, ...args: readonly string[]): number | null {
  const startMs = performance.now();
  const { status } = spawnSync(join(root, 'bin/tenet'), ['lab', verb, '--state', state, ...args], { stdio: 'inherit' });
  console.log(`lab ${verb} took ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return status;
}
