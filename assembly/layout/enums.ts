/**
 * Every enumeration that crosses a module or the boundary to the host. Values are part of the
 * layout: the build emits them into `src/core/layout.gen.ts`, nothing in `src/` repeats a number.
 */

/** RFC 9293 §3.3.2, the states of a connection. */
export const enum State {
  CLOSED = 0,
  LISTEN = 1,
  SYN_SENT = 2,
  SYN_RECEIVED = 3,
  ESTABLISHED = 4,
  FIN_WAIT_1 = 5,
  FIN_WAIT_2 = 6,
  CLOSE_WAIT = 7,
  CLOSING = 8,
  LAST_ACK = 9,
  TIME_WAIT = 10,
}

/** Control bits of the TCP header, RFC 9293 §3.1, in header order. */
export const enum Flag {
  FIN = 1,
  SYN = 2,
  RST = 4,
  PSH = 8,
  ACK = 16,
  URG = 32,
  ECE = 64,
  CWR = 128,
}

/** Which options a `Segment` carries, and two marks that are not part of its header. */
export const enum Opt {
  TIMESTAMPS = 1,
  /** MSS, window scale and SACK-permitted, kept in the SACK area: only on segments with SYN. */
  SYN = 2,
  /** The segment is a 128-byte one: a `SegmentExt` follows at +64. */
  EXT = 4,
  /** Mark: the sender had sent some of these bytes before. */
  RETRANSMISSION = 8,
  /** The number of SACK blocks, 0 to 4, stands in bits 4..6. */
  SACK_SHIFT = 4,
  SACK_MASK = 7,
  /** Mark: a bit was flipped on the way, so the checksum will not match. */
  CORRUPTED = 128,
}

/**
 * What shares the `kind` byte of a travelling segment with its `EventKind`: the ECN field of its IP header, as it
 * stands there (RFC 3168 §5), and the AE bit of its TCP header (RFC 9768 §3.1.1, once NS).
 */
export const enum Mark {
  KIND_MASK = 0x0f,
  ECT1 = 0x10,
  ECT0 = 0x20,
  CE = 0x30,
  ECN_SHIFT = 4,
  ECN_MASK = 0x30,
  AE = 0x40,
}

/** Options that few segments carry; bits of `SegmentExt.options`. */
export const enum ExtOpt {
  /** The AccECN option, RFC 9768 §3.2.3, in either order of its fields. */
  ACCECN0 = 1,
  ACCECN1 = 2,
  /** RFC 2385's MD5 signature: recognised, never written. */
  MD5 = 4,
  /** RFC 1146's Alternate Checksum Data: written and checked by who knows the connection's algorithm. */
  ALT_CHECKSUM_DATA = 8,
}

/** What an event is, in its low four bits; the first thing the run loop looks at. */
export const enum EventKind {
  /** A segment reaches the next link of its route; its target is the `Route`. */
  SEGMENT = 0,
  /** The earliest deadline of a connection. */
  TIMER = 1,
  /** A flow opens its connection. */
  FLOW_START = 2,
  /** A flow's application closes. */
  FLOW_STOP = 3,
  /** A flow's receiving application reads. */
  FLOW_READ = 4,
  /** An open-loop source emits its next datagram. */
  SOURCE = 5,
  /** A datagram of an open-loop source, on its way like a segment. */
  DATAGRAM = 6,
  /** A segment has passed its last link; its target is the `Tcb`. */
  ARRIVAL = 7,
  /** A datagram has; its target is the `Source`. */
  DATAGRAM_ARRIVAL = 8,
  /** A packet from outside, whose bytes travel with it, on its way like a segment. */
  PACKET = 9,
  /** Such a packet has passed its last link. */
  PACKET_ARRIVAL = 10,
  /** A slot of a `Gate` begins. */
  GATE = 11,
  /** A packet can be told to which slot of a `Gate` it comes. */
  GATE_WAIT = 12,
}

/** The deadlines of a connection, `Tcb.t_...`; a set one has its bit in `Tcb.timer_mask`. */
export const enum Timer {
  RETRANSMIT = 0,
  PERSIST = 1,
  DELAYED_ACK = 2,
  /** FIN_WAIT_2's optional time-out as well: a connection is in one of the two states at a time. */
  TIME_WAIT = 3,
  /** New data may leave again. */
  PACING = 4,
  /** A silent peer is asked whether it is still there. */
  KEEPALIVE = 5,
  COUNT = 6,
}

/** Sender's view of the path, with Linux's names (`tcpi_ca_state`). */
export const enum CaState {
  OPEN = 0,
  DISORDER = 1,
  /** Reduced by an explicit congestion signal: not entered as long as there is no ECN. */
  CWR = 2,
  RECOVERY = 3,
  LOSS = 4,
}

/** Parts of loss recovery that a run may do without; `Engine.recovery`. Without any: RFC 6675, 6582 and 5681 alone. */
export const enum Recovery {
  /** Loss detection by time, RFC 8985; without it, RFC 6675's by count. */
  RACK = 1,
  /** Tail loss probe, RFC 8985 §7. */
  TLP = 2,
  /** Proportional rate reduction, RFC 9937; without it, cwnd falls to ssthresh at once. */
  PRR = 4,
  /** Spurious reductions are taken back, by DSACK and by timestamps (Eifel, RFC 3522 and RFC 4015). */
  UNDO = 8,
  /** Forward RTO recovery, RFC 5682. */
  FRTO = 16,
  /** RACK takes three SACKed segments for no proof by themselves: only time tells. */
  NO_DUP_THRESH = 32,
  /** DSACKs do not widen RACK's reordering window. */
  STATIC_WINDOW = 64,
  /** PRR's slow-start reduction bound on every ACK, RFC 6937; without it, only on those that are safe, RFC 9937. */
  SSRB = 128,
  LINUX = 31,
}

/** What an ACK turned out to be; `AckSample.flags`. */
export const enum AckFlag {
  /** The segment carries data, SYN or FIN. */
  DATA = 0x1,
  WINDOW_UPDATE = 0x2,
  /** SND.UNA moved. */
  ADVANCED = 0x4,
  /** Acknowledged a segment that had been sent again. */
  RETRANS_ACKED = 0x8,
  SACKED = 0x10,
  /** Delivered a segment that was sent before high_seq and never again. */
  ORIGINAL_DELIVERED = 0x20,
  DSACK = 0x40,
  /** The DSACK is for the loss probe. */
  DSACK_PROBE = 0x80,
  /** Congestion was signalled: ECE. */
  ECE = 0x100,
  /** A retransmission was found to be lost. */
  RETRANS_LOST = 0x200,
  /** The retransmission timer starts anew. */
  SET_TIMER = 0x400,
  /** F-RTO: new data is to be tried before retransmissions. */
  SEND_NEW = 0x800,
  /** Lost segments may be sent again. */
  SEND_LOST = 0x1000,
  /** Recovery began with this ACK. */
  ENTERED_RECOVERY = 0x2000,
}

/** Values of net.ipv4.tcp_mtu_probing. */
export const enum MtuProbing {
  OFF = 0,
  /** Only where long segments seem to vanish. */
  BLACK_HOLE = 1,
  ALWAYS = 2,
}

/** What is to be done about a probe of the path MTU before new data leaves. */
export const enum MtuProbe {
  /** None is due. */
  NONE = 0,
  /** One is, and new data waits until there is room for it. */
  WAITS = 1,
  SEND = 2,
}

/** What the retransmission timer of a `Sender` stands for. */
export const enum Pending {
  RETRANSMISSION = 0,
  /** A tail loss probe. */
  PROBE = 1,
  /** RACK's reordering window closes. */
  REORDERING = 2,
}

/** Congestion controls; one row an algorithm, see `cc/cc.ts`. */
export const enum Cc {
  RENO = 0,
  /** As Linux computes it. */
  CUBIC = 1,
  /** To the letter of RFC 9438. */
  CUBIC_RFC = 2,
  COUNT = 3,
}

/** What two ends have agreed on about explicit congestion notification; `Ecn.mode`. */
export const enum EcnMode {
  CLASSIC = 1,
  ACCURATE = 2,
}

/** Checksum algorithms by RFC 1146's numbers. */
export const enum AltChecksum {
  TCP = 0,
  FLETCHER_8 = 1,
  FLETCHER_16 = 2,
}

/** Bits of net.ipv4.tcp_fastopen. */
export const enum FastOpenSysctl {
  CLIENT = 0x1,
  SERVER = 0x2,
  /** Data on SYNs without a cookie, and without the option. */
  CLIENT_NO_COOKIE = 0x4,
  /** Data on a SYN is taken without a cookie. */
  SERVER_NO_COOKIE = 0x200,
  /** Every listener offers Fast Open. */
  EVERY_LISTENER = 0x400,
}

/** Bits of `FastOpen.bits`. */
export const enum FastOpenBit {
  /** The SYN or SYN-ACK carries the option, in its experimental form. */
  OPTION = 1,
  EXPERIMENTAL = 2,
  /** The SYN may carry data. */
  DATA_ALLOWED = 4,
  /** The connection was made by the SYN alone. */
  EARLY = 8,
  /** The SYN's data was acknowledged with it. */
  DATA_ACKED = 16,
}

/** Values of net.ipv4.tcp_ecn: what is asked for, and what is accepted. */
export const enum EcnSysctl {
  OFF = 0,
  ON = 1,
  ACCEPT = 2,
  ACCURATE = 3,
  /** Asks for classic feedback, accepts either. */
  ACCURATE_ACCEPT_ASK_CLASSIC = 4,
  ACCURATE_ACCEPT = 5,
}

/** Bits of `Ecn.bits`. */
export const enum EcnBit {
  /** CE has come: ECE goes on every segment until the peer's CWR (RFC 3168 §6.1.3). */
  DEMAND_CWR = 1,
  /** cwnd was reduced: CWR goes on the next new data. */
  QUEUE_CWR = 2,
  /** Some segment came with ECT or CE. */
  SEEN = 4,
  /** The next pure ACK reflects the mark of the SYN-ACK (RFC 9768 §3.1.1). */
  REFLECT = 8,
  /** The first ACK, which reflects the mark of ours, has been looked at. */
  FIRST_ACK_TAKEN = 16,
  /** The peer's ACE fields come wiped: they say nothing. */
  ACE_WIPED = 32,
  /** The text at hand is to be acknowledged at once. */
  ACK_NOW = 64,
}

/** What was seen of the peer's AccECN options; `Ecn.option_seen`. */
export const enum AccEcnOption {
  NOT_SEEN = 0,
  EMPTY_SEEN = 1,
  COUNTERS_SEEN = 2,
  /** The counters were zero: somebody on the path wipes them. */
  WIPED = 3,
}

/** What the path does to Accurate ECN; bits of `Ecn.fail`. */
export const enum AccEcnFail {
  /** It changes marks, or wipes the ACE field: ECT is not sent (RFC 9768 §3.2.2.1, §3.2.2.3). */
  NO_ECT = 1,
  /** It wipes options: none is sent. */
  OPTION = 2,
}

/** What a user asks of a congestion control, in the low half of `Tcb.cc_priv7`; a controller's own state ends before it. */
export const enum CcOption {
  /** Reno: counts ACKs instead of the segments that they acknowledge, RFC 5681 §3.1 without RFC 3465. */
  COUNT_ACKS = 1,
  /** CUBIC: slow start goes on until a loss. */
  NO_HYSTART = 2,
  /** A mark takes less of the window than a loss, RFC 8511. */
  ABE = 4,
}

/** Bits of `Tcb.flags`. */
export const enum TcbFlag {
  // What the handshake agreed on
  TIMESTAMPS = 0x1,
  SACK = 0x2,
  WINDOW_SCALING = 0x4,
  /** A `Reassembly` is held: text out of order, an early FIN, or a duplicate to report. */
  OUT_OF_ORDER = 0x8,
  // What this end offers
  OFFER_TIMESTAMPS = 0x10,
  OFFER_SACK = 0x20,
  OFFER_WINDOW_SCALING = 0x40,
  // The user's wishes
  /** rcv_buf counts memory, as Linux does: half of it is offered, and it grows with what the application reads. */
  TUNED_BUFFER = 0x80,
  NODELAY = 0x100,
  DELAYED_ACK = 0x200,
  /** Opened by a passive OPEN: RFC 9293 sends a failed SYN_RECEIVED back to LISTEN. */
  PASSIVE = 0x400,
  /** The application reads whatever arrives at once. */
  READS_AT_ONCE = 0x800,
  /** The application writes for ever: the send buffer is always full. */
  WRITES_FOR_EVER = 0x1000,
  /** The stream carries real bytes, held in its `TcbExt`. */
  REAL_BYTES = 0x2000,
  /** The application has called CLOSE: a FIN follows the queued data. */
  FIN_QUEUED = 0x4000,
  FIN_SENT = 0x8000,
  /** The peer's FIN has been received in order. */
  FIN_RECEIVED = 0x10000,
  // What the segment at hand asks for
  ACK_NOW = 0x20000,
  /** An ACK is owed at the delayed-ACK deadline at the latest. */
  ACK_DELAYED = 0x40000,
  /** The last round trip was limited by cwnd (window validation). */
  CWND_LIMITED = 0x80000,
  // Explicit congestion notification: asked for and accepted by RFC 3168, by RFC 9768, and agreed on (`Ecn`)
  OFFER_ECN = 0x800000,
  OFFER_ACCECN = 0x1000000,
  ECN = 0x2000000,
  /** SYN or SYN-ACK was sent more than once: its answer times neither (Karn). */
  SYN_SENT_AGAIN = 0x400000,
  /** The application wants to write more than the send buffer held. */
  WRITE_BLOCKED = 0x200000,
  /** Something rare is to be looked at before new data leaves: pacing, urgent data. No short way is taken then. */
  SEND_CARE = 0x4000000,
  /** TCP_CORK: only full segments leave. */
  CORK = 0x8000000,
  /** The application has closed its socket: nobody will read, and waiting has its limits. */
  ORPHAN = 0x40000000,
  /** The application will read no more: SHUT_RD, or its socket is closed. */
  RECEIVE_SHUTDOWN = 0x80000000,
}

/** Ends of writes that no ACK has answered; `Receiver.pushed`. */
export const enum Pushed {
  ONCE = 1,
  TWICE = 2,
}

/** Bits of `TcpInfo.tcpi_options`, as linux/tcp.h has them. */
export const enum InfoOption {
  TIMESTAMPS = 1,
  SACK = 2,
  WSCALE = 4,
  /** ECN was agreed on. */
  ECN = 8,
  /** A packet with ECT has come. */
  ECN_SEEN = 16,
  /** Data on the SYN was acknowledged. */
  SYN_DATA = 32,
}

/** Why a connection ended; `Tcb.end_reason`. */
export const enum EndReason {
  NONE = 0,
  CLOSED = 1,
  RESET = 2,
  REFUSED = 3,
  TIMED_OUT = 4,
  ABORTED = 5,
}

/** How a call of SEND departs from the plain one. */
export const enum SendFlag {
  /** More follows at once: MSG_MORE. */
  MORE = 1,
  /** The last byte is urgent: MSG_OOB. */
  URGENT = 2,
}

/** What holds a sender up, by rising precedence: Linux's chronographs, as `tcpi_busy_time` and its like report them. */
export const enum Chrono {
  NONE = 0,
  BUSY = 1,
  RWND_LIMITED = 2,
  SNDBUF_LIMITED = 3,
}

/** What happened that the application may want to act on; bits of `Tcb.notify`. */
export const enum Notify {
  ESTABLISHED = 1,
  READABLE = 2,
  WRITABLE = 4,
  /** The peer has closed its direction. */
  PEER_CLOSED = 8,
  /** The connection is over; `end_reason` says how. */
  ENDED = 16,
  /** The peer points at urgent data. */
  URGENT = 32,
  /** The peer has everything, the FIN among it, and may still speak: FIN_WAIT_2. */
  FIN_ACKED = 64,
}

/** Bits of a record in the retransmission queue. */
export const enum Sent {
  SACKED = 1,
  LOST = 2,
  /** A retransmission is in flight. */
  RETRANS = 4,
  /** Was retransmitted at some time: no RTT sample (Karn). */
  EVER_RETRANS = 8,
  FIN = 16,
  /** A write ended here: carries PSH whenever it is sent. */
  PUSH = 64,
  /** Left in one burst with the record before it: Linux's one skb, until something splits it. */
  CONTINUES = 128,
  RUN_SHIFT = 8,
}

/** Which packets a link drops on purpose; `LinkExt.loss_kind`. */
export const enum LossKind {
  NONE = 0,
  BERNOULLI = 1,
  PERIODIC = 2,
  LIST = 3,
}

/** Queue disciplines; one row a discipline, see `qdisc/qdisc.ts`. */
export const enum Qdisc {
  DROPTAIL = 0,
}

/** How an open-loop source spaces its datagrams, and how it sizes them; `Source.kind`. */
export const enum SourceKind {
  /** Constant gaps, constant sizes. */
  CBR = 0,
  /** Exponential gaps, constant sizes: M/D/1 at the link it feeds. */
  POISSON = 1,
  /** Exponential gaps, exponential sizes: M/M/1. */
  POISSON_EXPONENTIAL = 2,
}

/** Why `run` came back. */
export const enum RunStatus {
  /** The clock stands at the time asked for. */
  DONE = 0,
  /** The event budget of the slice is used up; call again. */
  BUDGET = 1,
  /** The capture buffer wants draining; call again. */
  CAPTURE_FULL = 2,
  /** A flow with real bytes has news for the host; call again. */
  NOTIFY = 3,
  /** Packets wait to be fetched; call again. */
  OUTPUT_FULL = 4,
}

/** What a call of a socket is refused with: Linux's numbers. */
export const enum Errno {
  EAGAIN = 11,
  EINVAL = 22,
  EPROTO = 71,
  EMSGSIZE = 90,
  ENOPROTOOPT = 92,
  EOPNOTSUPP = 95,
  EADDRINUSE = 98,
  EADDRNOTAVAIL = 99,
  ENETUNREACH = 101,
  ECONNREFUSED = 111,
  EHOSTDOWN = 112,
  EHOSTUNREACH = 113,
  EACCES = 13,
  ENONET = 64,
}
