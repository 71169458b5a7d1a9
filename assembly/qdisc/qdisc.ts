/**
 * Queue disciplines: the only switch. A discipline is one file, one row of `Qdisc` and one arm in each hook here.
 *
 *      qdiscInit      the link is built
 *      qdiscAdvance   somebody asks for the queue: packets whose transmission has begun by now have left it
 *      qdiscEnqueue   a packet that comes now has to wait until `start`: takes it, or has no room
 *      qdiscRemaining how long what waits has still to wait: for results
 */
import { Qdisc } from "../layout/enums";
import { LinkExt } from "../layout/link";
import { droptailAdvance, droptailEnqueue, droptailInit, droptailRemaining } from "./droptail";

export function qdiscInit(ext: LinkExt): void {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL:
      droptailInit(ext);
      break;
    default:
      unreachable();
  }
}

export function qdiscAdvance(ext: LinkExt, now: u64): void {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL:
      droptailAdvance(ext, now);
      break;
    default:
      unreachable();
  }
}

export function qdiscEnqueue(ext: LinkExt, now: u64, start: u64, bytes: u32): bool {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL:
      return droptailEnqueue(ext, now, start, bytes);
    default:
      return unreachable();
  }
}

export function qdiscRemaining(ext: LinkExt, now: u64): u64 {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL:
      return droptailRemaining(ext, now);
    default:
      return unreachable();
  }
}
