/** A flow: two ends of one connection, and the applications above them. */
@unmanaged
export class Flow {
  /** The end that opens the connection and sends. */
  a: u32;
  /** The end that listens. */
  b: u32;
  index: u32;
  /** 1 once the connection was opened. */
  started: u16;
  /** 1 while the reading application has an event in the queue. */
  read_event: u16;
  /** Bytes that the application of `a` still has to write; unlimited when WRITES_FOR_EVER. */
  bytes_left: u64;
  /** Bytes that the reading application may take beyond the whole ones it took: its rate's remainder. */
  read_credit: f64;
  start_ns: u64;
  /** When the receiving application had the last byte; 0 while it has not. */
  complete_ns: u64;
  /** Reading rate of the receiving application, bytes a second; 0 reads at once. */
  read_bytes_per_s: u64;
  /** When the connection ended at `a`; 0 while it has not. */
  end_ns: u64;
}

/** An open-loop source of datagrams: load for links, and the input of queueing theory. */
@unmanaged
export class Source {
  route: u32;
  /** `SourceKind`. */
  kind: u32;
  /** Mean gap, nanoseconds. */
  gap_ns: f64;
  random: u64;
  bytes: u32;
  index: u32;
  /** When the next datagram is due, unrounded nanoseconds. */
  due_ns: f64;
  sent: u64;
  received: u64;
  received_bytes: u64;
  /** Lost on the way, or damaged. */
  dropped: u64;
  /** Times that datagrams were on their way, summed, and the longest. */
  delay_ns: u64;
  delay_ns_max: u64;
  stop_ns: u64;
}
