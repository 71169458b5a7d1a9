/**
 * Congestion control: the only switch. A controller is one file of same-shaped free functions, one row of `Cc`
 * and one arm in each hook here. It sees the control block and one `AckSample`, never the protocol.
 *
 *      ccInit               the connection is established
 *      ccOnAck              new data was acknowledged while cwnd was what held the sender back, outside recovery
 *      ccOnCongestionEvent  recovery begins, or marks tell of congestion: sets ssthresh
 *      ccOnRto              the retransmission timer went off: sets ssthresh; cwnd falls to one segment
 *      ccOnTransmitStart    data leaves after a pause in which nothing was in flight
 *      ccUndo               the reduction proved needless: the window to go back to
 */
import { AckSample } from "../layout/engine";
import { CaState, Cc } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { cubicInit, cubicOnAck, cubicOnCongestionEvent, cubicOnTransmitStart, cubicOnRto } from "./cubic";
import {
  cubicRfcInit,
  cubicRfcOnAck,
  cubicRfcOnCongestionEvent,
  cubicRfcOnTransmitStart,
  cubicRfcOnRto,
} from "./cubic_rfc";
import { renoInit, renoOnAck, renoOnCongestionEvent, renoOnTransmitStart, renoOnRto } from "./reno";
import { setCwnd } from "./window";

export function ccInit(tcb: Tcb): void {
  switch (<i32>tcb.cc) {
    case Cc.RENO:
      renoInit(tcb);
      break;
    case Cc.CUBIC:
      cubicInit(tcb);
      break;
    case Cc.CUBIC_RFC:
      cubicRfcInit(tcb);
      break;
    default:
      unreachable();
  }
}

export function ccOnAck(tcb: Tcb, sample: AckSample): void {
  switch (<i32>tcb.cc) {
    case Cc.RENO:
      renoOnAck(tcb, sample);
      break;
    case Cc.CUBIC:
      cubicOnAck(tcb, sample);
      break;
    case Cc.CUBIC_RFC:
      cubicRfcOnAck(tcb, sample);
      break;
    default:
      unreachable();
  }
}

export function ccOnCongestionEvent(tcb: Tcb, ecn: bool): void {
  switch (<i32>tcb.cc) {
    case Cc.RENO:
      renoOnCongestionEvent(tcb, ecn);
      break;
    case Cc.CUBIC:
      cubicOnCongestionEvent(tcb, ecn);
      break;
    case Cc.CUBIC_RFC:
      cubicRfcOnCongestionEvent(tcb, ecn);
      break;
    default:
      unreachable();
  }
}

export function ccOnRto(tcb: Tcb): void {
  switch (<i32>tcb.cc) {
    case Cc.RENO:
      renoOnRto(tcb);
      break;
    case Cc.CUBIC:
      cubicOnRto(tcb);
      break;
    case Cc.CUBIC_RFC:
      cubicRfcOnRto(tcb);
      break;
    default:
      unreachable();
  }
}

/** The window halves for each time-out of silence, down to the restart window (RFC 5681 §4.1, Linux's rule). */
export function ccOnIdle(tcb: Tcb, timeouts: u32, now: u64): void {
  const cwnd = tcb.cwnd;
  const restart = min(<u32>tcb.initial_cwnd, cwnd);
  const halved = timeouts > 31 ? 0 : cwnd >> timeouts;
  rememberWindow(tcb);
  tcb.cwnd_cnt = 0;
  setCwnd(tcb, max(halved, restart), now);
}

/** For a time-out no more than `used` segments were in flight: the window moves halfway there (RFC 2861 §3.2). */
export function ccOnApplicationLimited(tcb: Tcb, used: u32, now: u64): void {
  if (used >= tcb.cwnd) return;
  rememberWindow(tcb);
  setCwnd(tcb, (tcb.cwnd + used) >> 1, now);
}

/** What the path once carried is remembered as the threshold: RFC 2861 §2. */
export function rememberWindow(tcb: Tcb): void {
  if (tcb.ca_state == <u8>CaState.RECOVERY || tcb.ca_state == <u8>CaState.CWR) return;
  tcb.ssthresh = max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2));
}

/** Data leaves after `idle_ms` in which nothing did, and nothing was in flight. */
export function ccOnTransmitStart(tcb: Tcb, idle_ms: u32, now: u64): void {
  switch (<i32>tcb.cc) {
    case Cc.RENO:
      renoOnTransmitStart();
      break;
    case Cc.CUBIC:
      cubicOnTransmitStart(tcb, idle_ms, now);
      break;
    case Cc.CUBIC_RFC:
      cubicRfcOnTransmitStart(tcb, idle_ms, now);
      break;
    default:
      unreachable();
  }
}

/** RFC 9438 §4.9, and Reno's undo, as Linux has it: the window before the reduction, unless it has grown beyond since. */
export function ccUndo(tcb: Tcb, prior_cwnd: u32): u32 {
  return max(tcb.cwnd, prior_cwnd);
}
