import { isTenetError, type TenetError } from '@tenet/std';
import type { Flow } from '../flow.ts';
import { type FlowTextOptions, parseFlow } from './parse-flow.ts';

/** One line of a dump: a flow, or why it could not be read, so that its effect can be reported as unknown. */
export type DumpedFlow = {
  /** Counted from 1. */
  readonly line: number;
  /** The line without the white space around it. */
  readonly text: string;
} & ({ readonly flow: Flow; readonly error?: undefined } | { readonly error: TenetError; readonly flow?: undefined });

/** The first line of an answer: `OFPST_FLOW reply (OF1.3) (xid=0x2):`. */
export interface DumpHeader {
  readonly text: string;
  /** Such as `OF1.3`; absent for `NXST_FLOW`, which is OpenFlow 1.0 with extensions. */
  readonly version?: string;
}

export interface FlowDump {
  /** The first one; a dump that was filtered or cut may have none. */
  readonly header?: DumpHeader;
  /** In the order of the lines. */
  readonly flows: readonly DumpedFlow[];
}

/** Reads the output of `ovs-ofctl dump-flows`. It never throws for what stands in the text: see `DumpedFlow`. */
export function parseFlowDump(text: string, options: FlowTextOptions = {}): FlowDump {
  let header: DumpHeader | undefined;
  const flows: DumpedFlow[] = [];
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    const reply = /^(?:OFPST|NXST)_FLOW(?:_DESC)? reply(?: \((OF\d\.\d)\))?(?: \(xid=0x[0-9a-f]+\))?:.*$/i.exec(line);
    if (reply !== null) {
      header ??= { text: line, ...(reply[1] === undefined ? {} : { version: reply[1] }) };
    } else if (line !== '' && !line.startsWith('#')) {
      flows.push({ line: at + 1, text: line, ...read(line, options) });
    }
  }
  return header === undefined ? { flows } : { header, flows };
}

function read(line: string, options: FlowTextOptions): { flow: Flow } | { error: TenetError } {
  try {
    return { flow: parseFlow(line, options) };
  } catch (error) {
    if (isTenetError(error)) return { error };
    throw error;
  }
}
