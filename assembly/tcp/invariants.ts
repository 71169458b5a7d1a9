/**
 * What must hold of a connection between any two events, counted the slow way. Tests call it after every event; a
 * run does not.
 */
import { CaState, Pending, Sent, State, TcbFlag, Timer } from "../layout/enums";
import { Range, Reassembly, TcbExt } from "../layout/reassembly";
import { Retransmission } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { rackIsOn } from "./rack";
import { reassemblyOf } from "./reassembly";
import { receiverOf } from "./receiver";
import { senderOf } from "./sender";
import { sentAt, sentEnd, sentTail } from "./sent";
import { timerAt, timerIsSet } from "./timers";

/** A segment that begins within the window may reach this far beyond its edge. */
const LONGEST_SEGMENT: u32 = 0xffff;
/** Where the compiler's own data begin. */
const NULL_PAGE: usize = 1024;
/** RACK's and NewReno's degree of reordering goes no higher. */
const REORDERING_MAX: u32 = 300;

/** Traps when the control block contradicts itself. */
export function checkInvariants(address: u32): void {
  const tcb = changetype<Tcb>(<usize>address);
  checkNullPage();
  checkTimers(tcb);
  checkQueue(tcb);
  checkSender(tcb);
  checkReassembly(tcb);
  checkRings(tcb);
  if (tcb.state == <u8>State.CLOSED || tcb.state == <u8>State.LISTEN) checkReleased(tcb);
  if (<i32>tcb.state < State.ESTABLISHED) return;
  assert(seqLeq(tcb.snd_una, tcb.snd_nxt), "SND.UNA is beyond SND.NXT");
  assert(seqLeq(tcb.snd_nxt, tcb.write_seq + (tcb.flags & TcbFlag.FIN_SENT ? 1 : 0)), "sent more than was written");
  assert(seqLeq(tcb.rcv_nxt, tcb.rcv_adv), "RCV.NXT is beyond the offered window");
  assert(seqLeq(tcb.copied_seq, tcb.rcv_nxt), "the application read what never came");
  if (tcb.packets_out) assert(timerIsSet(tcb, Timer.RETRANSMIT), "data in flight and no retransmission timer");
  if (tcb.state != <u8>State.TIME_WAIT) assert(tcb.cwnd != 0, "a congestion window of nothing");
  if (tcb.state != State.TIME_WAIT) {
    assert((tcb.packets_out == 0) == (tcb.snd_una == tcb.snd_nxt), "the queue and SND.UNA..SND.NXT disagree");
  }
}

/** A block that an end does not have is at address 0: what is written there was meant for one that was given back, or never taken. */
function checkNullPage(): void {
  for (let at: usize = 0; at < NULL_PAGE; at += 8) assert(load<u64>(at) == 0, "written through a null pointer");
}

/** Deadlines have a place to stand, and none is earlier than the owner's alarm. */
function checkTimers(tcb: Tcb): void {
  assert((<u32>tcb.timer_mask) >> (<u32>Timer.COUNT) == 0, "a timer that does not exist");
  assert(!timerIsSet(tcb, Timer.PACING) || tcb.tx != 0, "a pacing timer of nobody who sends");
  assert(!timerIsSet(tcb, Timer.KEEPALIVE) || tcb.ext != 0, "a keepalive timer without its settings");
  for (let timer: u32 = 0; timer < <u32>Timer.COUNT; timer++) {
    if (timerIsSet(tcb, timer)) assert(timerAt(tcb, timer) >= tcb.timer_min, "a deadline before the earliest");
  }
  const opening = tcb.state == <u8>State.SYN_SENT || tcb.state == <u8>State.SYN_RECEIVED;
  if (opening) assert(timerIsSet(tcb, Timer.RETRANSMIT), "a SYN in flight and no retransmission timer");
  if (tcb.state == <u8>State.TIME_WAIT) assert(timerIsSet(tcb, Timer.TIME_WAIT), "TIME_WAIT for ever");
}

/** Nothing is kept for a connection that does not exist. */
function checkReleased(tcb: Tcb): void {
  assert(tcb.timer_mask == 0, "a deadline of no connection");
  assert((tcb.sent | tcb.tx) == 0, "memory of no connection");
  // TCP_QUICKACK may be set before there is one
  assert(tcb.rx == 0 || receiverOf(tcb).reassembly == 0, "text of no connection");
  assert(tcb.packets_out == 0, "segments in flight of no connection");
}

/** Recovery's counters: RACK's ring of retransmissions, PRR, undo, the loss probe. */
function checkSender(tcb: Tcb): void {
  if (!tcb.tx) {
    assert(tcb.sent == 0 && tcb.packets_out == 0, "segments in flight of nobody who sends");
    return;
  }
  const tx = senderOf(tcb);
  assert(<u32>tx.pending <= <u32>Pending.REORDERING, "a retransmission timer that stands for nothing");
  assert(tx.undo_retrans >= -1, "more retransmissions called needless than were sent");
  assert(tx.reordering <= REORDERING_MAX, "more reordering than is ever believed");
  assert(tx.reo_wnd_steps >= 1, "a reordering window of no steps");
  assert(<u32>tcb.ca_state <= <u32>CaState.LOSS, "a state of congestion that does not exist");
  if (tcb.packets_out == 0) assert(tx.sacked_beyond == 0, "SACKed segments of an empty queue");
  if (tx.tlp_high_seq != 0 && <i32>tcb.state >= State.ESTABLISHED) {
    assert(seqLeq(tx.tlp_high_seq, tcb.snd_nxt), "a probe of what was never sent");
  }
  const marks = tx.push_tail - tx.push_head;
  assert(marks == 0 || (tx.push_ring != 0 && marks <= (<u32>1) << tx.push_bits), "PSH marks overrun their queue");
  checkRetransmissions(tcb);
}

/** Each retransmission in flight is in RACK's ring, and no entry is of a segment that does not exist. */
function checkRetransmissions(tcb: Tcb): void {
  const tx = senderOf(tcb);
  const count = tx.rtx_tail - tx.rtx_head;
  if (!tx.rtx_ring) {
    assert(count == 0, "retransmissions without a ring");
    if (rackIsOn(tcb)) assert(tcb.retrans_out == 0, "RACK does not watch what was sent again");
    return;
  }
  assert(count <= (<u32>1) << tx.rtx_bits, "retransmissions overrun their ring");
  let current: u32 = 0;
  let before: u64 = 0;
  const mask = ((<u32>1) << tx.rtx_bits) - 1;
  for (let at = tx.rtx_head; at != tx.rtx_tail; at++) {
    const entry = changetype<Retransmission>(<usize>tx.rtx_ring + ((<usize>(at & mask)) << 4));
    // Stale already, and known to be
    if (!entry.sent_at) continue;
    assert(entry.sent_at >= before, "retransmissions out of order");
    before = entry.sent_at;
    assert(<i32>(entry.index - sentTail(tcb)) < 0, "a retransmission of what was never sent");
    if (<i32>(entry.index - tcb.sent_head) < 0) continue;
    const record = sentAt(tcb, entry.index);
    if (record.meta & Sent.RETRANS && record.sent_at == entry.sent_at) current++;
  }
  if (rackIsOn(tcb)) assert(current >= tcb.retrans_out, "RACK has forgotten a retransmission");
}

/** Real bytes: whatever may come or wait finds its place. */
function checkRings(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.REAL_BYTES) || !tcb.ext || <i32>tcb.state < State.ESTABLISHED) return;
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  if (!bytes.send) return;
  const finished = (tcb.flags & TcbFlag.FIN_SENT) != 0 && tcb.snd_una == tcb.snd_nxt;
  assert(finished || tcb.write_seq - tcb.snd_una <= bytes.send_mask + 1, "more written than the ring holds");
  if (tcb.flags & TcbFlag.FIN_RECEIVED) return;
  assert(tcb.rcv_adv - tcb.copied_seq + LONGEST_SEGMENT <= bytes.receive_mask + 1, "more offered than the ring holds");
}

function checkQueue(tcb: Tcb): void {
  let sacked: u32 = 0;
  let lost: u32 = 0;
  let retrans: u32 = 0;
  let beyond: u32 = 0;
  let fack: u32 = 0;
  const tail = sentTail(tcb);
  for (let index = tcb.sent_head; index != tail; index++) {
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      sacked++;
      fack = sentEnd(tcb, index);
      if (<i32>(index - tcb.lost_frontier) >= 0) beyond++;
      assert(!(meta & (Sent.LOST | Sent.RETRANS)), "a SACKed segment is lost or in flight");
    }
    if (meta & Sent.LOST) lost++;
    if (meta & Sent.RETRANS) retrans++;
    if (meta & Sent.LOST && !(meta & Sent.RETRANS)) {
      assert(<i32>(tcb.rtx_hint - index) <= 0, "a lost segment lies below the retransmission hint");
    }
    assert(seqLt(sentAt(tcb, index).seq, sentEnd(tcb, index)), "an empty segment in the queue");
  }
  if (tcb.packets_out) assert(sentAt(tcb, tcb.sent_head).seq == tcb.snd_una, "the queue does not begin at SND.UNA");
  if (tcb.flags & TcbFlag.SACK) {
    assert(sacked == tcb.sacked_out, "sacked_out is wrong");
    if (tcb.tx) assert(beyond == senderOf(tcb).sacked_beyond, "sacked_beyond is wrong");
    if (sacked) assert(senderOf(tcb).fack == fack, "fack is not where the highest SACKed segment ends");
  }
  assert(lost == tcb.lost_out, "lost_out is wrong");
  assert(retrans == tcb.retrans_out, "retrans_out is wrong");
  assert(tcb.sacked_out + tcb.lost_out <= tcb.packets_out, "more SACKed and lost than sent");
}

function checkReassembly(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER)) return;
  const held = reassemblyOf(tcb);
  let edge = tcb.rcv_nxt;
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < held.count; i++) {
    const range = changetype<Range>(changetype<usize>(held) + offsetof<Reassembly>() + ((<usize>i) << 3));
    assert(seqGt(range.start, edge), "ranges touch or overlap");
    assert(seqGt(range.end, range.start), "an empty range");
    // A segment may pass the edge, in whose window it began; an edge that may be taken back tells nothing
    if (!engine().shrink_window)
      assert(seqLeq(range.end, tcb.rcv_adv + LONGEST_SEGMENT), "a range beyond the offered window");
    bytes += range.end - range.start;
    edge = range.end;
  }
  assert(bytes == receiverOf(tcb).ofo_bytes, "ofo_bytes is wrong");
  assert(held.count <= held.capacity, "ranges overrun their slab");
  assert(held.capacity <= max<u32>(tcb.rcv_buf >> 9, 256), "the reassembly queue is not bounded");
  for (let i: u32 = 0; i < held.blocks; i++) {
    const at = changetype<usize>(held) + offsetof<Reassembly>("block0_start") + ((<usize>i) << 3);
    let found = false;
    for (let j: u32 = 0; j < held.count && !found; j++) {
      const range = changetype<Range>(changetype<usize>(held) + offsetof<Reassembly>() + ((<usize>j) << 3));
      found = seqGeq(load<u32>(at), range.start) && seqLeq(load<u32>(at, 4), range.end);
    }
    assert(found, "a SACK block that nothing holds");
  }
}
