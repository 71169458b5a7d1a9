/**
 * What holds a sender up, and for how long: Linux's three chronographs, which `tcpi_busy_time`, `tcpi_rwnd_limited` and
 * `tcpi_sndbuf_limited` report. One runs at a time, the most telling one, in milliseconds.
 */
import { Chrono } from "../layout/enums";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { timestampClock } from "../base/time";

/** Runs the chronograph `kind`, unless one that says more runs. */
@inline
export function chronoStart(sender: Sender, kind: u32, now: u64): void {
  if (kind > <u32>sender.chrono) chronoSet(sender, kind, now);
}

/** `kind` holds the sender up no longer: it is busy as long as anything is queued or in flight. */
@inline
export function chronoStop(tcb: Tcb, sender: Sender, kind: u32, now: u64): void {
  if (tcb.packets_out == 0 && tcb.snd_nxt == tcb.write_seq) chronoSet(sender, Chrono.NONE, now);
  else if (kind == <u32>sender.chrono) chronoSet(sender, Chrono.BUSY, now);
}

function chronoSet(sender: Sender, kind: u32, now: u64): void {
  const ms = timestampClock(now);
  const spent = ms - sender.chrono_start_ms;
  switch (<i32>sender.chrono) {
    case Chrono.BUSY:
      sender.busy_ms += spent;
      break;
    case Chrono.RWND_LIMITED:
      sender.rwnd_limited_ms += spent;
      break;
    case Chrono.SNDBUF_LIMITED:
      sender.sndbuf_limited_ms += spent;
      break;
    default:
      break;
  }
  sender.chrono_start_ms = ms;
  sender.chrono = <u8>kind;
}
