import { errorKinds, kind } from '@tenet/std';

/** Every way in which talking to a switch fails. */
export const { error: connectionError, table: CONNECTION_ERRORS } = errorKinds({
  OPENFLOW_UNREACHABLE: kind<{ peer: string }>({
    says: ({ peer }) => `cannot connect to the switch at ${peer}`,
    remedy: ({ peer }) => `check that ovs-vswitchd is running and that ${peer} exists and can be opened by this user`,
  }),
  OPENFLOW_CLOSED: kind<{ peer: string }>({
    says: ({ peer }) => `the connection to the switch at ${peer} is closed`,
    remedy: () => 'check the log of ovs-vswitchd for why it went away',
  }),
  OPENFLOW_SILENT: kind<{ peer: string; what: string; deadlineMs: number }>({
    says: ({ peer, what, deadlineMs }) => `the switch at ${peer} did not answer the ${what} within ${deadlineMs} ms`,
    remedy: () => 'check that ovs-vswitchd is alive and not starved of CPU',
  }),
  OPENFLOW_VERSION_REFUSED: kind<{ peer: string; offered: readonly number[]; theirs: readonly number[] }>({
    says: ({ peer, offered, theirs }) =>
      `the switch at ${peer} speaks OpenFlow wire versions ${theirs.join(', ') || 'unknown'}, none of ${offered.join(', ')}`,
    remedy: () => 'run ovs-vsctl set bridge NAME protocols=OpenFlow13,OpenFlow14,OpenFlow15',
  }),
  OPENFLOW_REFUSED: kind<{ what: string; typeName: string; codeName: string; xid: number; failedHex: string }>({
    says: ({ what, typeName, codeName }) => `the switch refused the ${what}: ${codeName} (${typeName})`,
    remedy: () => 'check the request against the log of ovs-vswitchd, which says more',
  }),
  OPENFLOW_REPLY_UNEXPECTED: kind<{ what: string; reply: string }>({
    says: ({ what, reply }) => `the switch answered the ${what} with ${reply}`,
    remedy: () => 'check that the Open vSwitch version is a supported one',
  }),
  OPENFLOW_REPLY_ENDLESS: kind<{ what: string; maxEntries: number }>({
    says: ({ what, maxEntries }) => `the switch answered the ${what} with more than ${maxEntries} entries`,
    remedy: () => 'check with ovs-ofctl dump-aggregate how many flows the bridge has and who adds them',
  }),
  OPENFLOW_FRAGMENT_MODE_REFUSED: kind<{ wanted: string; actual: string }>({
    says: ({ wanted, actual }) => `the switch kept fragment mode ${actual} instead of ${wanted}`,
    remedy: () => 'check that the switch is Open vSwitch and that nothing else sets its fragment mode',
  }),
  OPENFLOW_BUNDLE_REFUSED: kind<{ index: number; count: number; mod: string; typeName: string; codeName: string }>({
    says: ({ index, count, mod, typeName, codeName }) =>
      `the switch refused a bundle of ${count} changes because of number ${index + 1}, ${mod}: ${codeName} (${typeName})`,
    remedy: () => 'check that change; nothing of the bundle was applied',
  }),
  OPENFLOW_CHANGE_UNENCODABLE: kind<{ index: number; count: number; mod: string }>({
    says: ({ index, count, mod }) => `change ${index + 1} of ${count}, ${mod}, has no form on the wire`,
    remedy: () => 'check that change; nothing of the bundle was applied',
  }),
  OPENFLOW_MONITOR_UNSUPPORTED: kind<{ peer: string; version: number }>({
    says: ({ peer, version }) =>
      `the session with the switch at ${peer} speaks OpenFlow wire version ${version}, which cannot watch flows`,
    remedy: () => 'run ovs-vsctl set bridge NAME protocols=OpenFlow13,OpenFlow14,OpenFlow15',
  }),
  OPENFLOW_FLOW_UNREADABLE: kind<{ table: number; priority: number; cookie: string }>({
    says: ({ table, priority, cookie }) =>
      `the flow of cookie ${cookie} in table ${table} at priority ${priority} cannot be read`,
    remedy: () => 'remove that flow, or report which Open vSwitch feature wrote it',
  }),
});
