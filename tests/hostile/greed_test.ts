/**
 * Attacks by the peer itself: a receiver that wants more than its share (Savage et al., "TCP Congestion Control with a
 * Misbehaving Receiver"), one that takes back what it said, and peers that try to use up memory and time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MSS, SACK } from "./packets.ts";
import { Peer } from "./peer.ts";

const MSS_BYTES = 1460;

/** A connection with ten segments in flight. */
async function sending(sack = true): Promise<Peer> {
  const peer = await Peer.connected({ sysctls: { "net.ipv4.tcp_wmem": "4096 4194304 4194304" } }, { sack, wscale: 7 });
  peer.host.write(peer.fd, 2_000_000);
  assert.equal(peer.hears().length, 10);
  return peer;
}

test("ACK division: cwnd grows by what is delivered, not by the number of ACKs", async () => {
  const peer = await sending();
  peer.passes(50);
  // Two segments, acknowledged byte by byte
  for (let ack = 2; ack <= 1 + 2 * MSS_BYTES; ack++) peer.sends({ ack });
  assert.ok(peer.info("tcpi_snd_cwnd") <= 12, `cwnd ${peer.info("tcpi_snd_cwnd")} after 2 segments`);
  assert.ok(peer.hears().length <= 4, "more left than was let go");
});

test("duplicate ACKs with SACK agreed on, but no blocks: nothing leaves and cwnd stays", async () => {
  const peer = await sending();
  for (let n = 0; n < 1000; n++) peer.sends({ ack: 1 });
  assert.ok(peer.info("tcpi_snd_cwnd") <= 10);
  assert.equal(peer.hears().length, 0);
});

test("duplicate ACKs without SACK: one segment each at most, and cwnd does not grow", async () => {
  const SPOOFED = 200;
  const peer = await sending(false);
  for (let n = 0; n < SPOOFED; n++) peer.sends({ ack: 1 });
  assert.ok(peer.info("tcpi_snd_ssthresh") <= 7, "no reduction");
  assert.ok(peer.info("tcpi_snd_cwnd") <= 10, `cwnd ${peer.info("tcpi_snd_cwnd")}`);
  assert.ok(peer.hears().length <= SPOOFED, "more left than duplicates came");
  // What the duplicates stood for is forgotten when the truth comes
  peer.passes(10);
  peer.sends({ ack: 1 + MSS_BYTES });
  assert.ok(peer.info("tcpi_sacked") < peer.info("tcpi_unacked"));
});

test("optimistic ACKs: beyond SND.NXT they are ignored, up to there cwnd grows by what was sent", async () => {
  const peer = await sending();
  for (let n = 1; n < 1000; n++) peer.sends({ ack: 1 + 10 * MSS_BYTES + n * 1000 });
  assert.equal(peer.info("tcpi_snd_cwnd"), 10);
  assert.equal(peer.info("tcpi_unacked"), 10);
  peer.hears();
  let sent = 10;
  for (let round = 0; round < 6; round++) {
    // Acknowledged before it can have arrived
    peer.sends({ ack: 1 + sent * MSS_BYTES });
    sent += peer.hears().reduce((sum, { length }) => sum + Math.ceil(length / MSS_BYTES), 0);
    assert.ok(peer.info("tcpi_snd_cwnd") <= sent, `cwnd ${peer.info("tcpi_snd_cwnd")} when ${sent} were sent`);
  }
});

test("reneging: what was SACKed and dropped is sent again, all of it", async () => {
  const peer = await sending();
  peer.passes(50);
  peer.sends({ ack: 1, options: SACK(peer.edge(1 + MSS_BYTES), peer.edge(1 + 10 * MSS_BYTES)) });
  // The peer forgets, and has only the first segment from now on
  const end = 1 + 10 * MSS_BYTES;
  let ack = 1 + MSS_BYTES;
  for (let turn = 0; turn < 600 && ack < end; turn++) {
    peer.sends({ ack });
    peer.passes(100);
    for (const { seq, length } of peer.hears()) if (seq === ack) ack += length;
  }
  assert.ok(ack >= end, `nothing came again from ${ack} on`);
});

test("tiny segments: a forged MSS and SACKs of every other one cost bounded time and memory", async () => {
  const peer = await Peer.connected({}, { mss: 1, wscale: 14 });
  peer.host.write(peer.fd, 100_000);
  const mss = peer.info("tcpi_snd_mss");
  assert.ok(mss >= 48, `an MSS of ${mss} was believed`);
  const begin = performance.now();
  let una = 1;
  for (let round = 0; round < 300; round++) {
    peer.passes(20);
    for (let block = 1; block <= 30; block += 3) {
      const at = (n: number): number => peer.edge(una + (block + n) * 2 * mss);
      peer.sends({ ack: una, options: SACK(at(0), at(0) + mss, at(1), at(1) + mss, at(2), at(2) + mss) });
    }
    una = Math.min(una + mss, 100_000);
    peer.sends({ ack: una });
    peer.hears();
  }
  peer.host.check();
  assert.ok(performance.now() - begin < 5000, "it takes for ever");
});

test("one-byte segments out of order: the reassembly queue is bounded, in memory and in count", async () => {
  const peer = await Peer.connected();
  peer.sends({ payload: 1 });
  const before = peer.host.bytesInUse;
  for (let n = 0; n < 30_000; n++) {
    peer.sends({ seq: 10 + n * 2 % 60_000, payload: 1 });
    peer.hears();
  }
  peer.host.check();
  const kept = peer.host.bytesInUse - before;
  assert.ok(kept < 1 << 20, `${kept} bytes for 30000`);
  // What was refused comes again in order
  peer.hears();
  for (let seq = 2; seq <= 60_002; seq += 1460) peer.sends({ seq, payload: 1460 });
  assert.ok(peer.info("tcpi_bytes_received") >= 60_000);
});

test("a window that never opens: probes back off, nothing leaks, and the text leaves when it does open", async () => {
  const HOURS = 24;
  const peer = await sending();
  peer.sends({ ack: 1 + 10 * MSS_BYTES, wnd: 0 });
  peer.hears();
  let probes = 0;
  let before = 0;
  for (let minute = 0; minute < HOURS * 60; minute++) {
    peer.passes(60_000);
    const heard = peer.hears();
    probes += heard.length;
    if (heard.length > 0) peer.sends({ ack: 1 + 10 * MSS_BYTES, wnd: 0 });
    if (minute === 10) before = peer.host.bytesInUse;
  }
  assert.ok(peer.isOpen, "a peer that answers is alive (RFC 9293 §3.8.6.1)");
  assert.ok(probes <= HOURS * 30 + 20, `${probes} probes`);
  assert.equal(peer.host.bytesInUse, before);
  peer.sends({ ack: 1 + 10 * MSS_BYTES, wnd: 65535 });
  assert.ok(peer.hears().some(({ length }) => length > 0));
});

test("a window that opens and shrinks to nothing, again and again: never more than the largest edge leaves", async () => {
  const peer = await sending();
  let edge = 1 + 10 * MSS_BYTES;
  let ack = edge;
  for (let round = 0; round < 2000; round++) {
    const wnd = [0, 1, 10, 0, 50][round % 5];
    edge = Math.max(edge, ack + (wnd << 7));
    peer.sends({ ack, wnd });
    for (const { seq, length } of peer.hears()) {
      assert.ok(seq + length <= edge, `${seq + length} beyond ${edge}`);
      ack = Math.max(ack, seq + length);
    }
    peer.passes(10);
  }
  peer.host.check();
});

test("FINs without number: the first counts, the rest change nothing", async () => {
  const peer = await Peer.connected();
  const before = peer.host.bytesInUse;
  for (let n = 0; n < 10_000; n++) peer.sends({ flags: "FA", seq: 1 + n * 7 % 60_000 });
  assert.equal(peer.info("tcpi_state"), 8, "CLOSE_WAIT");
  assert.ok(peer.host.bytesInUse - before < 10_000);
  peer.host.check();
});

test("options of no length, or longer than the header: no packet hangs the host, and the connection opens", async () => {
  for (const options of [[2, 0], [8, 1, 8, 0], [5, 255], [3, 3], [254, 0, 0xf9, 0x89], [34, 40], [30, 1], MSS(0)]) {
    const peer = await Peer.connected();
    peer.sends({ options, payload: 10 });
    peer.host.check();
    assert.ok(peer.isOpen, `options ${options}`);
  }
});

test("urgent pointers to anywhere: text is read once, in order", async () => {
  const peer = await Peer.connected();
  for (let n = 0; n < 1000; n++) {
    peer.sends({
      seq: 1 + n * 10,
      flags: "UA",
      urgent: n * 977 % 65_536,
      payload: Uint8Array.from({ length: 10 }, () => n),
    });
  }
  const read = peer.host.read(peer.fd, 100_000);
  assert.ok("result" in read && read.result >= 9000 && read.result <= 10_000, "most of the text");
  peer.host.check();
});
