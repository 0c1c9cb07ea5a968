import { Prefix } from '@tenet/std';

/** IPv4 multicast (RFC 5771). */
export const MULTICAST = Prefix.parse('224.0.0.0/4');
