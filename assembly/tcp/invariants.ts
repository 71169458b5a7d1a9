/**
 * What must hold of a connection between any two events, counted the slow way. Tests call it after every event; a
 * run does not.
 */
import { Sent, State, TcbFlag, Timer } from "../layout/enums";
import { Range, Reassembly } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { reassemblyOf } from "./reassembly";
import { senderOf } from "./sender";
import { sentAt, sentEnd, sentTail } from "./sent";
import { timerIsSet } from "./timers";

/** Traps when the control block contradicts itself. */
export function checkInvariants(address: u32): void {
  const tcb = changetype<Tcb>(<usize>address);
  checkQueue(tcb);
  checkReassembly(tcb);
  if (<i32>tcb.state < State.ESTABLISHED) return;
  assert(seqLeq(tcb.snd_una, tcb.snd_nxt), "SND.UNA is beyond SND.NXT");
  assert(seqLeq(tcb.snd_nxt, tcb.write_seq + (tcb.flags & TcbFlag.FIN_SENT ? 1 : 0)), "sent more than was written");
  assert(seqLeq(tcb.rcv_nxt, tcb.rcv_adv), "RCV.NXT is beyond the offered window");
  assert(seqLeq(tcb.copied_seq, tcb.rcv_nxt), "the application read what never came");
  if (tcb.packets_out) assert(timerIsSet(tcb, Timer.RETRANSMIT), "data in flight and no retransmission timer");
  if (tcb.state != State.TIME_WAIT) {
    assert((tcb.packets_out == 0) == (tcb.snd_una == tcb.snd_nxt), "the queue and SND.UNA..SND.NXT disagree");
  }
}

function checkQueue(tcb: Tcb): void {
  let sacked: u32 = 0;
  let lost: u32 = 0;
  let retrans: u32 = 0;
  let beyond: u32 = 0;
  const tail = sentTail(tcb);
  for (let index = tcb.sent_head; index != tail; index++) {
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      sacked++;
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
    assert(beyond == senderOf(tcb).sacked_beyond, "sacked_beyond is wrong");
  }
  assert(lost == tcb.lost_out, "lost_out is wrong");
  assert(retrans == tcb.retrans_out, "retrans_out is wrong");
  assert(tcb.sacked_out + tcb.lost_out <= tcb.packets_out, "more SACKed and lost than sent");
}

function checkReassembly(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER)) return;
  const held = reassemblyOf(tcb);
  let edge = tcb.rcv_nxt;
  for (let i: u32 = 0; i < held.count; i++) {
    const range = changetype<Range>(changetype<usize>(held) + offsetof<Reassembly>() + ((<usize>i) << 3));
    assert(seqGt(range.start, edge), "ranges touch or overlap");
    assert(seqGt(range.end, range.start), "an empty range");
    // A segment may pass the edge, in whose window it began
    assert(seqLeq(range.end, tcb.rcv_adv + 0xffff), "a range beyond the offered window");
    edge = range.end;
  }
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
