import { SERVICE_ZONE } from '../registers.ts';
import { goTo, IP, load, to } from '../rows.ts';
import type { TableRows } from './table-rows.ts';

/** Table 25. The host's detour lost the VNID; here it is restored, and the connection marked for its replies. */
export const fromHost: TableRows = {
  pod: (_node, { ip, vnid }) => [
    {
      priority: 100,
      match: { ...IP, ip_src: to(ip) },
      apply: [
        load(vnid, 'reg0'),
        // Without a table the commit happens in place: one recirculation less.
        {
          kind: 'ct',
          commit: true,
          zone: SERVICE_ZONE,
          exec: [{ kind: 'load', value: 1n, dst: { field: 'ct_mark', offset: 0, bits: 1 } }],
        },
        goTo('dispatch'),
      ],
      why: 'the pod whose request comes back translated',
    },
  ],
};
