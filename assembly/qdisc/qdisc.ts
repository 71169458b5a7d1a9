/**
 * Queue disciplines: the only switch. A discipline is one file, one row of `Qdisc` and one arm in each hook here.
 *
 *      qdiscInit      the link is built
 *      qdiscAdvance   time has passed: packets whose transmission has begun leave
 *      qdiscAdmits    a packet has to wait: may it?
 *      qdiscPush      it waits, until `start`
 */
import { Qdisc } from "../layout/enums";
import { LinkExt } from "../layout/link";
import { droptailAdmits, droptailAdvance, droptailInit, droptailPush } from "./droptail";

export function qdiscInit(ext: LinkExt): void {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL: droptailInit(ext); break;
    default: unreachable();
  }
}

export function qdiscAdvance(ext: LinkExt, now: u64): void {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL: droptailAdvance(ext, now); break;
    default: unreachable();
  }
}

export function qdiscAdmits(ext: LinkExt, bytes: u32): bool {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL: return droptailAdmits(ext, bytes);
    default: return unreachable();
  }
}

export function qdiscPush(ext: LinkExt, start: u64, bytes: u32): void {
  switch (<i32>ext.qdisc) {
    case Qdisc.DROPTAIL: droptailPush(ext, start, bytes); break;
    default: unreachable();
  }
}
