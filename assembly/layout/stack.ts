/**
 * A host on a wire: sockets, listeners, and the tables that find them. `Stack` is its root, reached from `Engine.stack`.
 *
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2): one table serves both.
 */

/** Bits of `Socket.flags`. */
export const enum SocketFlag {
  /** The host program holds it: not freed before it says so. */
  HELD = 1,
  /** Has a local port. */
  BOUND = 2,
  /** Stands in the table of connections. */
  CONNECTED = 4,
  LISTENING = 8,
  REUSE_ADDRESS = 0x10,
  /** Waits in its listener's SYN queue. */
  IN_SYN_QUEUE = 0x20,
  /** Waits in its listener's accept queue. */
  IN_ACCEPT_QUEUE = 0x40,
  /** The handshake's last ACK has come, and was not taken yet. */
  ACKED = 0x80,
  /** On the list of those with news for the host program. */
  HAS_NEWS = 0x100,
  /** Counted as an orphan. */
  COUNTED_ORPHAN = 0x200,
  /** Counted as waiting in TIME_WAIT. */
  COUNTED_TIME_WAIT = 0x400,
  /** The local address was given, not chosen. */
  ADDRESS_BOUND = 0x800,
  /** The local port was chosen by CONNECT, not by BIND. */
  PORT_CHOSEN = 0x1000,
  /** Opened over IPv6. */
  IPV6 = 0x2000,
  /** Began early, and no ACK has confirmed it yet (RFC 7413). */
  FAST_OPEN = 0x4000,
  /** Opened by the peer. */
  ACCEPTED = 0x8000,
  REUSE_PORT = 0x10000,
  /** Waits in TIME_WAIT as no more than the front of its block, see stack/time_wait.ts. */
  SHORT = 0x20000,
}

/** One end of a connection as the host knows it: `Tcb.owner`. Its `Tcb` follows it at +128. */
@unmanaged
export class Socket {
  // ---- line 0: finding it
  local_hi: u64;
  local_lo: u64;
  remote_hi: u64;
  remote_lo: u64;
  /** Chain of the connection table. */
  next: u32;
  hash: u32;
  local_port: u16;
  remote_port: u16;
  /** `SocketFlag` bits. */
  flags: u32;
  /** Chain of those that listen at one port and address. */
  port_next: u32;
  port_prev: u32;
  /** What the host program calls it. */
  handle: u32;
  /** IPv4 identification of the next packet. */
  ip_id: u16;
  tos: u8;
  ttl: u8;

  // ---- line 1: queues and news
  /** The listener whose SYN made this connection. */
  parent: u32;
  /** SYN queue or accept queue of the parent. */
  queue_next: u32;
  queue_prev: u32;
  /** Its own `Listener`, when it listens. */
  listener: u32;
  news_next: u32;
  /** `Notify` bits that the host program has not fetched. */
  news: u32;
  /** Errno that ended the connection, when ICMP told; 0 else. */
  error: u16;
  /** Errno that ICMP told of a living connection: the reason, should it time out. */
  soft_error: u16;
  /** `Port` it is bound to. */
  port: u32;
  /** TCP_DEFER_ACCEPT as a number of SYN-ACK retransmissions; 0 for none. */
  defer_accept: u32;
  /** TCP_FASTOPEN: bound of its connections that no ACK has confirmed; 0: not offered. */
  fastopen_backlog: u32;
  /** `Listener.id` of the listener that counts it as begun early. */
  fast_open_listener: u32;
  /** Segments that came for this connection, and those of them with text. */
  segs_in: u32;
  data_segs_in: u32;
  news_prev: u32;
  /** TCP_FASTOPEN_KEY: `FastOpenKeys` of its own; 0: the host's. */
  fast_open_keys: u32;
  unused5: u32;
}

/** What listening adds to a socket. */
@unmanaged
export class Listener {
  /** Connections that wait to be accepted, oldest first. */
  accept_head: u32;
  accept_tail: u32;
  accept_count: u32;
  /** Handshakes that have begun, oldest first. */
  syn_head: u32;
  syn_tail: u32;
  syn_count: u32;
  /** Bound of both queues. */
  backlog: u32;
  /** Connections that TCP Fast Open has begun and no ACK has confirmed. */
  fastopen_count: u32;
  /** Unlike that of any other listener, now or before. */
  id: u32;
  unused: u32;
  /** Until when an ACK may bring a SYN cookie back, nanoseconds: none was sent lately when that is past. */
  cookies_until: u64;
}

/** A local port at one local address, and who is bound to it there. */
@unmanaged
export class Port {
  next: u32;
  number: u16;
  /** 0: any address; else one more than the place of the address in `Stack.addresses`. */
  address: u16;
  /** Those that listen. */
  listeners: u32;
  /** Those of all that BIND or a listener brought here, not CONNECT. */
  taken: u32;
  /** How many others there are: with neither SO_REUSEADDR nor SO_REUSEPORT, with the first, with the second, with both. */
  sockets0: u32;
  sockets1: u32;
  sockets2: u32;
  sockets3: u32;
}

/** A record of the output buffer; `length` bytes follow at +16, padded to a multiple of 8. */
@unmanaged
export class OutputRecord {
  /** When it left, nanoseconds. */
  time: u64;
  length: u32;
  unused: u32;
}

/** A local address. */
@unmanaged
export class LocalAddress {
  hi: u64;
  lo: u64;
}

@unmanaged
export class Stack {
  // ---- Tables
  /** Array of 2^table_bits chains of connected `Socket`s. */
  table: u32;
  table_bits: u32;
  table_count: u32;
  /** Array of 2^port_bits chains of `Port`s. */
  ports: u32;
  /** Array of `LocalAddress`. */
  addresses: u32;
  address_count: u32;

  // ---- In and out
  /** Room for an arriving packet. */
  input: u32;
  output: u32;
  output_size: u32;
  output_used: u32;

  // ---- News for the host program
  news_head: u32;
  news_tail: u32;
  /** 1 once something happened that a caller could see; the host program clears it. */
  stirred: u32;

  /** A `Socket` with a `Tcb` that new ones are copied from: the host's defaults. */
  template: u32;
  /** A `Socket` that answers for nobody: refusals and SYN cookies leave in its name. */
  nobody: u32;
  /** The arriving segment, a long one. */
  segment: u32;

  // ---- Parameters, named as Linux names them
  mtu: u32;
  /** Largest MSS to announce, by the route; 0: as the MTU says. */
  advmss: u32;
  somaxconn: u32;
  tcp_max_syn_backlog: u32;
  tcp_syncookies: u32;
  tcp_max_tw_buckets: u32;
  tcp_max_orphans: u32;
  tcp_abort_on_overflow: u32;
  ip_local_port_first: u32;
  ip_local_port_last: u32;
  icmp_echo_ignore_all: u32;
  /** ICMP errors a second, and at once. */
  icmp_msgs_per_sec: u32;
  icmp_msgs_burst: u32;

  // ---- State behind them
  time_wait_count: u32;
  orphan_count: u32;
  /** Sockets that exist. */
  socket_count: u32;
  port_hint: u32;
  icmp_credit: u32;
  icmp_credit_at: u64;

  // ---- Account
  packets_in: u64;
  packets_out: u64;
  /** Not for an address of this host. */
  drops_address: u32;
  /** Broken headers, by what `WireStatus` says: truncated, bad lengths and offsets. */
  drops_header: u32;
  drops_checksum: u32;
  drops_fragment: u32;
  /** SYNs refused because the SYN queue was full and cookies were not allowed. */
  drops_syn_queue: u32;
  /** SYNs and last ACKs dropped because the accept queue was full. */
  drops_accept_queue: u32;
  /** Resets sent because nobody wanted a segment. */
  resets_refused: u32;
  cookies_sent: u32;
  cookies_received: u32;
  cookies_failed: u32;
  /** Connections in TIME_WAIT ended early, beyond tcp_max_tw_buckets. */
  time_wait_overflows: u32;
  /** Orphans ended by a reset, beyond tcp_max_orphans. */
  orphan_overflows: u32;
  icmp_in: u32;
  icmp_out: u32;
  /** ICMP errors that match no connection, or not its sequence numbers. */
  icmp_ignored: u32;
  /** Listeners that there have been. */
  listeners: u32;
}
