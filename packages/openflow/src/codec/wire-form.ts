import { ByteReader, ByteWriter } from '@tenet/std';
import type { Flow } from '../flow.ts';
import { addFlow, readFlowMod, writeFlowMod } from './flow-codec.ts';
import { OPENFLOW_14, type Version } from './protocol.ts';

/**
 * A flow as a switch reports it after it was sent: what the wire cannot tell apart takes one form. Masked `set_field`
 * becomes `load` in OpenFlow 1.3 and 1.4, `load` becomes `set_field` in 1.5, a note has its padding, `ct` in zone 0
 * names no zone, instructions stand in their order. Compare flows of both sides in this form. Its stats are gone.
 */
export function wireForm(flow: Flow, version: Version = OPENFLOW_14): Flow {
  const w = new ByteWriter();
  writeFlowMod(w, addFlow(flow), version);
  return readFlowMod(new ByteReader(w.view()), version).flow;
}
