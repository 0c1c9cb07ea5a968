import { readdirSync } from 'node:fs';

/** True when the directory holds a lease: a file named by an address, as the daemon writes them. */
export function hasPods(leaseDirectory: string): boolean {
  try {
    return readdirSync(leaseDirectory).some((name) => /^\d+\.\d+\.\d+\.\d+$/.test(name));
  } catch {
    // Without the directory there never was a daemon, or it cannot be known.
    return false;
  }
}
