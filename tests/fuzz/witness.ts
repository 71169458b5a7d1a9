/** What a connection has shown to the outside, as far as it binds what it may show from now on. */
import assert from "node:assert/strict";
import { Engine as EngineLayout, State, Tcb } from "../../src/core/layout.gen.ts";
import type { Leaving, Tcp } from "../tcp/harness.ts";

export class Witness {
  /** Whether a connection was synchronised after the last step, and which one. */
  #live = false;
  #iss = 0;
  #acked = 0;
  #edge = 0;
  #offered = 0;
  #una = 0;
  /** Segments that left. */
  count = 0;

  /** After each step: what left during it is in order, and nothing went back. */
  look(tcp: Tcp): void {
    const sent = tcp.segments();
    this.count += sent.length;
    const wasLive = this.#live;
    this.#live = tcp.get(Tcb.state) >= State.ESTABLISHED;
    if (!this.#live) return;
    if (!wasLive || tcp.get(Tcb.iss) !== this.#iss) return this.#begin(tcp);
    assert.ok(seqLeq(this.#una, tcp.sndUna), `SND.UNA fell from ${this.#una} to ${tcp.sndUna}`);
    this.#una = tcp.sndUna;
    const edge = tcp.sndUna + tcp.get(Tcb.snd_wnd);
    if (seqLeq(this.#edge, edge)) this.#edge = edge;
    for (const segment of sent) this.#judge(tcp, segment);
  }

  #begin(tcp: Tcp): void {
    this.#iss = tcp.get(Tcb.iss);
    this.#acked = tcp.rcvNxt;
    this.#offered = tcp.rcvNxt;
    this.#una = tcp.sndUna;
    this.#edge = tcp.sndUna + tcp.get(Tcb.snd_wnd);
  }

  #judge(tcp: Tcp, { flags, seq, ack, len, wnd }: Leaving): void {
    // A refusal speaks with the numbers of what it refuses, and a SYN's window is not scaled
    if (flags.includes("R") || flags.includes("S")) return;
    assert.ok(flags.includes("A"), "a segment of a synchronised connection without ACK");
    assert.ok(seqLeq(this.#acked, ack) && seqLeq(ack, tcp.rcvNxt), `ACK ${ack} after ${this.#acked}`);
    this.#acked = ack;
    const offered = ack + (wnd << tcp.get(Tcb.rcv_wscale));
    this.#held(tcp, offered, 1 << tcp.get(Tcb.rcv_wscale));
    const written = tcp.get(Tcb.write_seq) - tcp.get(Tcb.iss) + 1;
    assert.ok(seqLeq(seq + len, written), `${seq + len} of ${written} bytes`);
    if (len > 0) assert.ok(seqLeq(seq + len, this.#edge), `${seq + len} beyond the largest edge of ${this.#edge}`);
  }

  /** The edge that was told stays, but for what the scale cannot say; the edge that is kept stays exactly. */
  #held(tcp: Tcp, offered: number, step: number): void {
    const kept = tcp.get(Tcb.rcv_adv) - tcp.irs >>> 0;
    if (tcp.engine.get(tcp.engine.root, EngineLayout.shrink_window) === 0) {
      assert.ok(seqLeq(offered, kept), `an edge of ${offered} was told, and ${kept} is kept`);
      assert.ok(seqLeq(this.#offered, kept), `the offered edge fell from ${this.#offered} to ${kept}`);
      assert.ok(seqLeq(this.#offered, offered + step - 1), `told an edge of ${offered} after ${this.#offered}`);
    }
    if (seqLeq(this.#offered, offered)) this.#offered = offered;
  }
}

function seqLeq(a: number, b: number): boolean {
  return (b - a | 0) >= 0;
}
