/** A sender without end to its data, and a peer that acknowledges segment by segment. */
import assert from "node:assert/strict";
import { CaState, Tcb } from "../../src/core/layout.gen.ts";
import { connected, type Settings, type Tcp } from "./harness.ts";

export const MSS = 1000;

/** A connection whose only limit is its congestion window. */
export async function bulk(settings: Settings = {}): Promise<Tcp> {
  const tcp = await connected({
    mss: MSS,
    sack: true,
    windowScaling: true,
    endless: true,
    sendBuffer: 1 << 29,
    ...settings,
  }, { wscale: 14 });
  // The window of a SYN-ACK is not scaled: the true one comes with the next segment
  tcp.receives({ ack: 1 });
  tcp.segments();
  return tcp;
}

/** A round trip passes, then every segment that was in flight is acknowledged by itself. How many there were. */
export function round(tcp: Tcp, rtt = "100ms"): number {
  const until = tcp.sndNxt;
  tcp.passes(rtt);
  let segments = 0;
  for (; tcp.sndUna !== until; segments++) {
    const una = tcp.sndUna;
    tcp.receives({ ack: Math.min(until, una + MSS) });
    assert.notEqual(tcp.sndUna, una, "the acknowledgement was not taken");
  }
  tcp.segments();
  return segments;
}

/** Rounds pass until the window has `segments` at least. */
export function growTo(tcp: Tcp, segments: number): void {
  while (tcp.get(Tcb.cwnd) < segments) round(tcp);
}

/** The first segment in flight is lost; its loss is found out by SACKs. The recovery has begun, no more. */
export function lose(tcp: Tcp): void {
  const una = tcp.sndUna;
  for (let n = 1; n <= 3; n++) tcp.receives({ ack: una, sack: [[una + MSS, una + (1 + n) * MSS]] });
  // Without it slow start would go on doubling, and the test with it
  assert.equal(tcp.get(Tcb.ca_state), CaState.RECOVERY);
}

/** All that was in flight arrives, the repaired loss with it: the recovery ends. */
export function recover(tcp: Tcp): void {
  tcp.passes("100ms");
  tcp.receives();
  tcp.segments();
}
