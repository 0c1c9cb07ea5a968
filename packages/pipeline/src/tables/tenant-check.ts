import { OF_PORT } from '../registers.ts';
import { IP, OUTPUT_REG2, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/**
 * Table 80. Here tenants are apart. reg0 = 0 is both "global" and "nobody set it": only four paths get here without
 * a load, all of them from tun0: the node's own IP and ARP, answers of services, and outside sources.
 */
export const tenantCheck: TableRows = {
  static: ({ gateway }) => [
    {
      priority: 300,
      match: { ...IP, ip_src: to(gateway) },
      apply: [OUTPUT_REG2],
      why: 'the node reaches its pods: only tun0 can bear this source',
    },
    { priority: 200, match: { reg0: 0 }, apply: [OUTPUT_REG2], why: 'a global source reaches all' },
    { priority: 200, match: { reg1: 0 }, apply: [OUTPUT_REG2], why: 'all reach a global destination' },
    {
      priority: 60,
      match: { reg3: 1 },
      apply: 'reply-across-tenants',
      why: 'a reply that the other project may not have',
    },
    {
      priority: 50,
      match: { reg2: OF_PORT.tun0 },
      apply: 'foreign-service',
      why: 'only services leave by tun0 from here',
    },
  ],
  project: (_node, vnid) => [
    { priority: 100, match: { reg0: vnid, reg1: vnid }, apply: [OUTPUT_REG2], why: 'a project reaches itself' },
  ],
};
