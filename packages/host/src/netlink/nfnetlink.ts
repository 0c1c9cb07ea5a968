import { struct } from './struct.ts';

/** `struct nfgenmsg` (nfnetlink.h), the fixed header of netfilter's messages. */
export const nfgenmsg = struct({ family: 'u8', version: 'u8', resource: 'be16' });
