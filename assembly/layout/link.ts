/**
 * Links are simplex. A plain link (no limit, no impairment, nobody watching) is 32 bytes and a serialisation; all
 * else stands in its `LinkExt`.
 */
@unmanaged
export class Link {
  /** When the transmitter falls idle, nanoseconds. */
  busy_until: u64;
  /** Nanoseconds a byte takes, in 2^-20. */
  ns_per_byte_q20: u64;
  /** One-way propagation delay, nanoseconds. */
  delay_ns: u64;
  /** Fraction of a nanosecond of busy_until, in 2^-20. */
  busy_frac: u32;
  /** `LinkExt`, 0 for a plain link. */
  ext: u32;
}

/** The queue in front of a transmitter, its impairments, and what was seen there. */
@unmanaged
export class LinkExt {
  // In one cache line what every packet asks for
  /** Bytes and packets sent, link-layer bytes included. */
  bytes: u64;
  packets: u32;
  /** Link-layer bytes added to each IP packet. */
  overhead: u32;
  /** 1 when there is an impairment or a capture to pass. */
  staged: u32;

  // Queue: the packets that wait; the one being sent has left it.
  /** `Qdisc`. */
  qdisc: u32;
  limit_bytes: u64;
  limit_packets: u32;
  queue_packets_max: u32;
  /**
   * Ring of `Waiting`: the packets that wait are number waiting_head up to waiting_tail, and before a look at them those
   * that have left meanwhile. Ring and mask, head and tail are each read as one word.
   */
  waiting: u32;
  waiting_mask: u32;
  waiting_head: u32;
  waiting_tail: u32;
  /** Sum over packets of the time waited, nanoseconds: the integral of the queue's length. */
  waited_ns: u64;
  /** Histogram of waiting times, `base/histogram`; 0 when not kept. */
  histogram: u32;
  /** Packets that wait from which on those with ECT are marked CE; 0: none ever. */
  mark_packets: u32;

  // Impairments, each with its own random stream
  /** `LossKind`. */
  loss_kind: u32;
  /** Periodic: drops every so many data packets of each flow. */
  loss_every: u32;
  /** Bernoulli: as a threshold of 2^64. */
  loss_threshold: u64;
  loss_random: u64;
  /** List: address of sorted u32 packet numbers, their count, and the next one's index. */
  loss_list: u32;
  loss_list_count: u32;
  loss_list_next: u32;
  /** Data packets that have arrived at the link. */
  data_packets: u32;
  reorder_threshold: u64;
  reorder_random: u64;
  /** Extra delay of a reordered packet, nanoseconds. */
  reorder_delay_ns: u64;
  duplicate_threshold: u64;
  duplicate_random: u64;
  corrupt_threshold: u64;
  corrupt_random: u64;
  /** Extra delay drawn uniformly from 0 to this, nanoseconds; packets keep their order. */
  jitter_ns: u64;
  jitter_random: u64;
  /** Time at which the latest packet arrives, so that jitter keeps the order. */
  last_arrival: u64;

  // Measurement
  drops_overflow: u32;
  drops_loss: u32;
  duplicated: u32;
  reordered: u32;
  corrupted: u32;
  /** Capture interface number plus one, 0 when not captured. */
  capture: u32;
  /** Per-flow data packet counters for periodic loss: address of u32 by flow index. */
  flow_counters: u32;
  /** 1 on the right-to-left direction of a link, for captures. */
  reverse: u32;
  /** Entries of flow_counters. */
  flow_counters_size: u32;
  marks: u32;
  /** `Gate`, 0 when each packet that comes is an event. */
  gate: u32;
}

/** Packets that will come to a link, or to the hosts behind one, by slots of time: `sim/gate`. */
@unmanaged
export class Gate {
  /** Ring of lists, one a slot, `sim/chunks`. */
  slots: u32;
  /** The number of slots less one. */
  mask: u32;
  /** log2 of a slot's length in nanoseconds. */
  shift: u32;
  /** Number of the slot that the last run ended in, plus one; 0 when it left nothing. */
  cut: u64;
  /** Of what has passed. */
  digest: u64;
  /** The next gate of the run. */
  next: u32;
  /** 1: it stands in front of hosts; 0: of a link. */
  hosts: u32;
}

@unmanaged
export class Waiting {
  /** When its transmission begins, nanoseconds. */
  start: u64;
  /** `LinkExt.bytes` before this packet: the queue's bytes are a difference. */
  bytes_before: u64;
}

/** What a link's address in a `Route` carries in its lowest bit. */
export const enum Hop {
  /** The link before is FIFO and the only one that feeds this: its arrivals are known when they are enqueued there. */
  FUSED = 1,
}

/** The way of one direction of a flow: `hops` link addresses follow, each with its `Hop` bit. */
@unmanaged
export class Route {
  /** The `Tcb` (or `Source`) at the end. */
  destination: u32;
  hops: u32;
  /** The `Tcb` it begins at, 0 for a source. */
  origin: u32;
  /** Index of the flow. */
  flow: u32;
  /** The `Gate` in front of its end, 0 when each arrival is an event. */
  gate: u32;
}
