/** What must not be left undone between two events: an end that could act, or waits for nothing, is stuck. */
import type { Engine } from "../../src/core/engine.ts";
import {
  CaState,
  Engine as Root,
  Sender,
  Sent,
  SentSegment,
  State,
  Tcb,
  TcbFlag,
  Timer,
} from "../../src/core/layout.gen.ts";

/** What the end at `tcb` has forgotten to do; null when it has done all that it can. */
export function neglected(engine: Engine, tcb: number): string | null {
  const get = (field: { offset: number; type: string }) => engine.get(tcb, field);
  const isSet = (timer: number) => (get(Tcb.timer_mask) & 1 << timer) !== 0;
  if (get(Tcb.state) < State.ESTABLISHED || get(Tcb.state) === State.TIME_WAIT) return null;

  if (get(Tcb.last_ack_sent) !== get(Tcb.rcv_nxt) && !isSet(Timer.DELAYED_ACK)) {
    return "an ACK is owed and no timer runs";
  }

  const flags = get(Tcb.flags);
  const waiting = get(Tcb.write_seq) - get(Tcb.snd_nxt) | 0;
  const finWaits = (flags & (TcbFlag.FIN_QUEUED | TcbFlag.FIN_SENT)) === TcbFlag.FIN_QUEUED;
  const out = get(Tcb.packets_out);
  const unsent = !(flags & TcbFlag.FIN_SENT) && (waiting > 0 || finWaits);
  if (unsent && out === 0 && !isSet(Timer.PERSIST)) return "data waits, nothing is in flight and no timer runs";

  // Paced data waits for its turn
  if (isSet(Timer.PACING)) return null;
  const pipe = out - get(Tcb.sacked_out) - get(Tcb.lost_out) + get(Tcb.retrans_out);
  // At Linux's time-out only the head leaves, even when it takes the next with it and leaves room: more with the next ACK
  const timedOut = get(Tcb.ca_state) === CaState.LOSS && engine.get(engine.root, Root.recovery) !== 0;
  if (pipe + (timedOut ? 1 : 0) >= get(Tcb.cwnd)) return null;
  const window = get(Tcb.snd_una) + get(Tcb.snd_wnd) - get(Tcb.snd_nxt) | 0;
  // A burst may wait for the ACK that lets it grow, or for its turn; what comes behind a probe of the path MTU, for that
  const held = engine.get(engine.root, Root.tso_bytes_max) !== 0 || engine.get(engine.root, Root.mtu_probing) !== 0;
  // Small segments that the head has taken with it may be several: until it is answered no new data follows
  const headIsOut = timedOut && get(Tcb.unanswered) > 0 && out > 0;
  const deferred = isSet(Timer.PACING) || (out > 0 && held) || headIsOut;
  // The FIN behind the last of the data has to fit with it
  const full = get(Tcb.mss) + (finWaits && waiting === get(Tcb.mss) ? 1 : 0);
  if (unsent && !deferred && waiting >= get(Tcb.mss) && window >= full) {
    return "a full segment waits below both windows";
  }
  // While F-RTO waits to hear whether the time-out was spurious, nothing more is sent again (RFC 5682 §3.1)
  const tx = get(Tcb.tx);
  if (tx !== 0 && engine.get(tx, Sender.frto) !== 0) return null;
  if (lostAndWaiting(engine, tcb)) return "a lost segment waits below the congestion window";
  return null;
}

/** Whether a segment within the peer's window is lost and no retransmission of it is in flight. */
function lostAndWaiting(engine: Engine, tcb: number): boolean {
  const head = engine.get(tcb, Tcb.sent_head);
  const tail = head + engine.get(tcb, Tcb.packets_out);
  const mask = (1 << engine.get(tcb, Tcb.sent_bits)) - 1;
  const record = (index: number) => engine.get(tcb, Tcb.sent) + (index & mask) * SentSegment.size;
  const edge = engine.get(tcb, Tcb.snd_una) + engine.get(tcb, Tcb.snd_wnd);
  // A peer that has reneged is given a moment to explain itself (RFC 2018 §8)
  const reneged = head !== tail && (engine.get(record(head), SentSegment.meta) & Sent.SACKED) !== 0;
  if (reneged && engine.get(engine.root, Root.recovery) !== 0) return false;
  for (let index = head; index < tail; index++) {
    const meta = engine.get(record(index), SentSegment.meta);
    if ((meta & (Sent.LOST | Sent.RETRANS)) !== Sent.LOST) continue;
    const end = index + 1 === tail ? engine.get(tcb, Tcb.snd_nxt) : engine.get(record(index + 1), SentSegment.seq);
    return index === head || (end - edge | 0) <= 0;
  }
  return false;
}
