/** What the handshake agrees on: RFC 9293 §3.7.1 (MSS), RFC 7323 §2 and §3, RFC 2018 §2. */
import { Opt, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Segment, SynOptions } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { storeTimestamp } from "./paws";
import { headersLength, syncMss } from "./pmtu";

/** RFC 9293 §3.7.1: what a peer that announces no MSS can take, over IPv4 and over IPv6. */
const DEFAULT_MSS: u16 = 536;
const DEFAULT_MSS_IPV6: u16 = 1220;
/** RFC 7323 §2.3. */
export const WSCALE_MAX: u32 = 14;

/** The shift that lets the window field express `buffer` bytes. */
export function windowScaleFor(buffer: u32): u8 {
  let scale: u32 = 0;
  while (scale < WSCALE_MAX && buffer >> scale > 0xffff) scale++;
  return <u8>scale;
}

/** Takes the options of the peer's SYN: each holds only when both ends offer it. */
export function negotiate(tcb: Tcb, segment: Segment): void {
  const opts = <u32>segment.opts;
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  const has = (opts & Opt.SYN) != 0;
  let flags = tcb.flags & ~(TcbFlag.TIMESTAMPS | TcbFlag.SACK | TcbFlag.WINDOW_SCALING);
  tcb.snd_mss = has && syn.mss ? syn.mss : headersLength(tcb) > 40 ? DEFAULT_MSS_IPV6 : DEFAULT_MSS;
  tcb.snd_wscale = 0;
  if (has && syn.wscale_plus_one != 0 && flags & TcbFlag.OFFER_WINDOW_SCALING) {
    flags |= TcbFlag.WINDOW_SCALING;
    tcb.snd_wscale = <u8>min<u32>(<u32>syn.wscale_plus_one - 1, WSCALE_MAX);
  } else {
    tcb.rcv_wscale = 0;
  }
  if (has && syn.sack_permitted != 0 && flags & TcbFlag.OFFER_SACK) flags |= TcbFlag.SACK;
  if (opts & Opt.TIMESTAMPS && flags & TcbFlag.OFFER_TIMESTAMPS) {
    flags |= TcbFlag.TIMESTAMPS;
    storeTimestamp(tcb, segment.tsval, engine().now_ms_at);
  }
  if (tcb.ext) {
    // RFC 1146: both SYNs have to name the same
    const ext = changetype<TcbExt>(<usize>tcb.ext);
    const asked = has ? <u32>syn.alt_checksum : 0;
    const wish = <u32>ext.alt_checksum_wish;
    ext.alt_checksum = wish != 0 && asked == wish + 1 ? <u8>wish : 0;
  }
  tcb.flags = flags;
  syncMss(tcb);
}
