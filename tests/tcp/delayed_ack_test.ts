/** When an ACK leaves: quick ACKs, delays that follow the arrivals, conversations, what is a full segment, reads. */
import assert from "node:assert/strict";
import test from "node:test";
import { Receiver, Tcb } from "../../src/core/layout.gen.ts";
import { accepted, connected, type Tcp } from "./harness.ts";

const MSS = 1000;

/** Full segments arrive 1 ms apart; how many ACKs that took. */
function arrives(tcp: Tcp, count: number, len = MSS): number {
  for (let n = 0; n < count; n++) {
    tcp.passes("1ms");
    tcp.receives({ len });
  }
  return tcp.segments().length;
}

/** When the next ACK leaves, in milliseconds from now. */
function delay(tcp: Tcp): number {
  const from = tcp.now_ms;
  while (tcp.passesToNextDeadline()) {
    const [ack] = tcp.segments();
    if (ack) return ack.at_ms - from;
  }
  return assert.fail("no ACK");
}

/** An application that does not read, past its quick ACKs, with nothing owed. */
async function settled(settings: Parameters<typeof connected>[0] = {}): Promise<Tcp> {
  const tcp = await connected({ mss: MSS, reads: false, receiveBuffer: 1 << 20, windowScaling: true, ...settings });
  arrives(tcp, 16);
  tcp.reads(1 << 20);
  tcp.segments();
  assert.equal(tcp.rx(Receiver.quick), 0);
  return tcp;
}

test("quick acks: the first sixteen segments are acknowledged each, then every second", async () => {
  const tcp = await connected({ mss: MSS, receiveBuffer: 1 << 20, windowScaling: true });
  assert.equal(arrives(tcp, 16), 16);
  assert.equal(arrives(tcp, 10), 5);
});

test("quick acks: no more than the sender needs for half of a small window", async () => {
  const tcp = await connected({ mss: MSS, receiveBuffer: 8000 });
  assert.equal(arrives(tcp, 4), 4);
  assert.equal(arrives(tcp, 4), 2);
});

test("quick acks: at least two", async () => {
  const tcp = await connected({ mss: MSS, receiveBuffer: 2000 });
  assert.equal(arrives(tcp, 2), 2);
  assert.equal(arrives(tcp, 2), 1);
});

test("quick acks: they come back after a silence longer than the RTO", async () => {
  const tcp = await settled({ reads: true });
  assert.equal(arrives(tcp, 4), 2);
  tcp.passes("1s");
  assert.equal(arrives(tcp, 4), 4);
});

test("quick acks: a silence shorter than the RTO changes nothing", async () => {
  const tcp = await settled({ reads: true });
  assert.equal(arrives(tcp, 4), 2);
  tcp.passes("150ms");
  assert.ok(tcp.get(Tcb.rto_us) > 150_000);
  assert.equal(arrives(tcp, 4), 2);
});

test("quick acks: a duplicate brings them back", async () => {
  const tcp = await settled({ reads: true });
  tcp.receives({ seq: 1, len: MSS });
  assert.equal(tcp.segments().length, 1);
  assert.equal(arrives(tcp, 4), 4);
});

test("quick acks: none where the run has none", async () => {
  const tcp = await connected({ mss: MSS, quickAcks: 0 });
  assert.equal(arrives(tcp, 10), 5);
});

test("delayed ack: arrivals close together make it 40 ms", async () => {
  const tcp = await settled();
  tcp.receives({ len: MSS });
  assert.equal(delay(tcp), 40);
});

test("delayed ack: gaps between half and all of the prediction lengthen it, up to the round-trip time", async () => {
  const tcp = await settled();
  for (let n = 0; n < 12; n++) {
    tcp.passes(`${Math.min(39 + n, 60)}ms`);
    tcp.receives({ len: 100 });
    tcp.reads(1 << 20);
  }
  const ato = tcp.rx(Receiver.ato_ms);
  assert.ok(ato > 40 && ato <= 120, `${ato}`);
  tcp.passes("10ms");
  tcp.segments();
});

test("delayed ack: one that is missed doubles the prediction, no further than the RTO", async () => {
  const tcp = await settled();
  const seen = [40];
  for (let n = 0; n < 4; n++) {
    tcp.receives({ len: 500 });
    delay(tcp);
    seen.push(tcp.rx(Receiver.ato_ms));
  }
  assert.equal(seen[1], 80);
  assert.ok(seen.every((ato) => ato <= tcp.get(Tcb.rto_us) / 1000), `${seen}`);
});

test("delayed ack: the round-trip time bounds a longer prediction, and 200 ms every one", async () => {
  for (const { rtt, expected } of [{ rtt: "100ms", expected: 100 }, { rtt: "400ms", expected: 200 }]) {
    const tcp = await settled({ start: 5_000_000_000n });
    tcp.set(Tcb.srtt_us8, parseInt(rtt) * 8000);
    tcp.set(Tcb.rto_us, 1_000_000);
    tcp.engine.set(tcp.get(Tcb.rx), Receiver.ato_ms, 400);
    tcp.passes("300ms");
    // A full segment: no end of a write, so the arrivals alone speak
    tcp.receives({ len: MSS });
    assert.equal(delay(tcp), expected);
  }
});

test("delayed ack: a timer about to go off does not wait for a second segment", async () => {
  const tcp = await settled();
  tcp.receives({ len: 400 });
  tcp.passes("31ms");
  tcp.receives({ len: 400 });
  assert.equal(tcp.segments().length, 1);
});

test("conversation: an answer to fresh text makes the ACK of the next wait for its answer", async () => {
  const tcp = await accepted({ mss: MSS, reads: false, nagle: false });
  tcp.receives({ flags: "PA", len: 100 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 101"], "a quick one");
  tcp.reads(100);
  tcp.writes(50);
  assert.deepEqual(tcp.sends(), ["PA 1:51 ack 101"]);
  tcp.receives({ flags: "PA", len: 100 });
  tcp.reads(100);
  assert.deepEqual(tcp.sends(), []);
  tcp.writes(50);
  assert.deepEqual(tcp.sends(), ["PA 51:101 ack 201"]);
});

test("conversation: when the answer does not come, the next text is acknowledged quickly again", async () => {
  const tcp = await accepted({ mss: MSS, reads: false, nagle: false });
  tcp.receives({ flags: "PA", len: 100 });
  tcp.writes(50);
  tcp.receives({ flags: "PA", len: 100 });
  tcp.segments();
  assert.equal(tcp.rx(Receiver.pingpong), 1);
  assert.equal(delay(tcp), 40);
  assert.equal(tcp.rx(Receiver.pingpong), 0);
  tcp.receives({ flags: "PA", len: 100 });
  assert.equal(tcp.segments().length, 1);
});

test("conversation: data sent long after text is no answer", async () => {
  const tcp = await accepted({ mss: MSS, reads: false });
  tcp.receives({ flags: "PA", len: 100 });
  tcp.passes("1s");
  tcp.writes(50);
  assert.equal(tcp.rx(Receiver.pingpong), 0);
});

test("full segments: their size is learned from what arrives", async () => {
  const tcp = await connected({ mss: 1460, reads: false });
  const sizes = [300, 536, 900, 1460, 1460].map((len) => {
    tcp.receives({ len });
    return tcp.rx(Receiver.rcv_mss);
  });
  assert.deepEqual(sizes, [536, 536, 900, 1460, 1460]);
});

test("full segments: a smaller size is believed when two in a row have it and no write ended", async () => {
  const tcp = await connected({ mss: 1460, reads: false });
  const sizes = [1460, 1000, 1200, 1200, 200, 200].map((len) => {
    tcp.receives({ len });
    return tcp.rx(Receiver.rcv_mss);
  });
  assert.deepEqual(sizes, [1460, 1460, 1460, 1200, 1200, 200]);
  tcp.receives({ len: 1460 });
  tcp.receives({ flags: "PA", len: 200 });
  tcp.receives({ flags: "PA", len: 200 });
  assert.equal(tcp.rx(Receiver.rcv_mss), 1460, "small writes are no small MSS");
});

test("full segments: never more than what this end announced", async () => {
  const tcp = await connected({ mss: 1000, reads: false });
  tcp.receives({ len: 1400 });
  assert.equal(tcp.rx(Receiver.rcv_mss), 1000);
});

test("full segments: two small ones are not acknowledged at once", async () => {
  const tcp = await settled();
  tcp.receives({ len: 500 });
  tcp.receives({ len: 500 });
  assert.equal(tcp.segments().length, 0);
  tcp.receives({ len: 1 });
  tcp.reads(1 << 20);
  assert.equal(tcp.segments().length, 1);
});

test("reading: more than a full segment is acknowledged when the window moves, that is, when it is read", async () => {
  const tcp = await settled();
  tcp.receives({ len: MSS });
  tcp.receives({ len: MSS });
  assert.equal(tcp.segments().length, 0, "nothing was read, the window stands");
  tcp.reads(1500);
  assert.equal(tcp.segments().length, 1);
});

test("reading: the last of a write is acknowledged when the reader has it, but not while the ends talk in turns", async () => {
  const tcp = await settled();
  tcp.receives({ flags: "PA", len: 300 });
  assert.equal(tcp.segments().length, 0);
  tcp.reads(200);
  assert.equal(tcp.segments().length, 0, "there is more to read");
  tcp.reads(100);
  assert.equal(tcp.segments().length, 1);
  tcp.quickAcks(0);
  tcp.receives({ flags: "PA", len: 300 });
  tcp.reads(300);
  assert.equal(tcp.segments().length, 0);
});

test("reading: two ends of writes are acknowledged even in a conversation", async () => {
  const tcp = await settled();
  tcp.quickAcks(0);
  tcp.receives({ flags: "PA", len: 300 });
  tcp.receives({ flags: "PA", len: 300 });
  assert.equal(tcp.segments().length, 0);
  tcp.reads(600);
  assert.equal(tcp.segments().length, 1);
});

test("TCP_QUICKACK: 0 waits for answers from the start, 1 sends what is owed and goes on quickly", async () => {
  const tcp = await accepted({ mss: MSS, reads: false });
  tcp.quickAcks(0);
  tcp.receives({ flags: "PA", len: 100 });
  tcp.reads(60);
  tcp.quickAcks(1);
  assert.deepEqual(tcp.sends(), [], "there is more to read");
  tcp.quickAcks(0);
  tcp.reads(40);
  tcp.quickAcks(1);
  assert.deepEqual(tcp.sends(), ["A 1 ack 101"]);
  tcp.receives({ flags: "PA", len: 100 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 201"]);
});

test("TCP_QUICKACK: an even value sends what is owed and waits again", async () => {
  const tcp = await accepted({ mss: MSS, reads: false });
  tcp.quickAcks(0);
  tcp.receives({ flags: "PA", len: 100 });
  tcp.reads(100);
  tcp.quickAcks(2);
  assert.deepEqual(tcp.sends(), ["A 1 ack 101"]);
  tcp.receives({ flags: "PA", len: 100 });
  assert.deepEqual(tcp.sends(), []);
});

test("fin: of a peer that sent nothing, acknowledged at once", async () => {
  const tcp = await accepted();
  tcp.receives({ flags: "FA" });
  assert.deepEqual(tcp.sends(), ["A 1 ack 2"]);
});

test("fin: of an open connection, our own takes the ACK along", async () => {
  const tcp = await accepted({ reads: false });
  tcp.receives({ len: 100 });
  tcp.segments();
  tcp.receives({ flags: "FA" });
  assert.deepEqual(tcp.sends(), []);
  tcp.closes();
  assert.deepEqual(tcp.sends(), ["FA 1 ack 102"]);
});

test("fin: acknowledged at once by an end that has closed", async () => {
  const tcp = await accepted({ reads: false });
  tcp.receives({ len: 100 });
  tcp.closes();
  tcp.segments();
  tcp.receives({ flags: "FA" });
  assert.deepEqual(tcp.sends(), ["A 2 ack 102"]);
});

test("data that an ACK lets go acknowledges the text that came with it", async () => {
  const tcp = await accepted({ mss: MSS, reads: false, initialWindow: 1 });
  tcp.writes(3000);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives({ flags: "PA", ack: 1001, len: 100 });
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 101", "PA 2001:3001 ack 101"]);
});
