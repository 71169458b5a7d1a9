/**
 * Queue disciplines: the only switch. A discipline is one file, one row of `Qdisc` and one arm in each hook here.
 *
 *      qdiscInit      the link is built
 *      qdiscAdvance   time has passed: packets whose transmission has begun leave
 *      qdiscEnqueue   a packet has to wait until `start`: takes it, or has no room
 */
import { Qdisc } from "../layout/enums";
import { LinkExt } from "../layout/link";
import { droptailAdvance, droptailEnqueue, droptailInit } from "./droptail";

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

export function qdiscEnqueue(ext: LinkExt, start: u64, bytes: u32): bool {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL:
      return droptailEnqueue(ext, start, bytes);
    default:
      return unreachable();
  }
}
