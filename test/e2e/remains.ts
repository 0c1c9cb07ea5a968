import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What is on this machine of the lab in this directory; other labs may come and go meanwhile. */
export function remains(state: string, id: string): string[] {
  const processes = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false;
    try {
      const isZombie = readFileSync(`/proc/${name}/stat`, 'utf8').includes(') Z ');
      return !isZombie && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(state);
    } catch {
      return false;
    }
  });
  return [
    ...readdirSync('/run/netns').filter((name) => name.includes(id)),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(id)),
    ...processes.map((pid) => `process ${pid}`),
    ...(existsSync(state) ? [state] : []),
  ];
}
