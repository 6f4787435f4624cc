/** How many bytes count: what gwe's sockets moved, held against what the interface counted meanwhile. Pure. */

/** One exchange more or less than this is not worth a thought: handshakes of TCP and TLS, headers, the answer. */
export const EXCHANGE_BYTES = 6 * 1024;
/** IP and TCP headers and acknowledgements, over what TCP carries in packets of the usual 1500 bytes. */
export const PACKET_OVERHEAD = 1.06;
/** Opening and closing a TCP connection. */
const CONNECTION_BYTES = 400;
/** More than this times gwe's own bytes was not gwe's: other programs use the interface too. */
const FOREIGN_FACTOR = 1.5;
const FOREIGN_BYTES = 4 * 1024;

/** What gwe's own sockets moved over one interface. */
export interface Own {
  tcp_bytes: number;
  exchanges: number;
}

/** The bytes on the line for what sockets moved, where the line itself cannot be asked. */
export function onTheLine({ tcp_bytes, exchanges }: Own): number {
  return Math.ceil(tcp_bytes * PACKET_OVERHEAD) + exchanges * CONNECTION_BYTES;
}

/** As many bytes of a content as surely fit into `left_bytes` on the line; never negative. */
export function carriedBy(left_bytes: number): number {
  return Math.max(0, Math.floor((left_bytes - EXCHANGE_BYTES) / PACKET_OVERHEAD));
}

/**
 * What gwe cost the line: by how much the interface's counters grew meanwhile, as far as that can have been gwe. Packets
 * that were lost and sent again are in it; what other programs moved is, up to half of gwe's own.
 */
export function measured(own: Own, grown_bytes: number | undefined): number {
  if (grown_bytes === undefined) return onTheLine(own);
  const most_bytes = Math.ceil(own.tcp_bytes * FOREIGN_FACTOR) + FOREIGN_BYTES;
  return Math.min(Math.max(grown_bytes, own.tcp_bytes), most_bytes);
}

/**
 * By how much counters grew. One that is smaller than before began anew: its interface, or the machine, was started again.
 */
export function grown(before: number | undefined, now: number): number {
  return before === undefined || now < before ? now : now - before;
}
