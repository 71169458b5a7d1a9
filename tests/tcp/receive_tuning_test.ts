/** A receive buffer that counts memory and follows what is read: Linux's window, its scale, its growth, its bounds. */
import assert from "node:assert/strict";
import test from "node:test";
import { Receiver, Tcb } from "../../src/core/layout.gen.ts";
import { accepted, connected, lone, type Settings, type Tcp } from "./harness.ts";

const KERNEL: Settings = {
  tunedBuffer: true,
  receiveBuffer: 131072,
  windowScaling: true,
  timestamps: true,
  sack: true,
  reads: false,
};
/** The sysctls of packet scripts. */
const SCRIPTS: Settings = { ...KERNEL, receiveBuffer: 540000, rmemMax: 15728640 };

/** The window field of the next segment that leaves, unscaled and scaled. */
function window(tcp: Tcp): { field: number; bytes: number } {
  const field = tcp.segments().at(-1)?.wnd ?? assert.fail("nothing was sent");
  return { field, bytes: field << tcp.get(Tcb.rcv_wscale) };
}

/** Timestamps of a segment that answers what left `rtt_ms` ago; the clock stood at a second when the dialogue began. */
function echo(tcp: Tcp, rtt_ms: number): [number, number] {
  const now = Math.floor(tcp.now_ms);
  return [now, now + 1000 - rtt_ms];
}

/** Full segments, each of them read. */
function streams(tcp: Tcp, count: number, gap = "1ms"): void {
  for (let n = 0; n < count; n++) {
    tcp.passes(gap);
    tcp.receives({ len: 1448 });
    tcp.reads(1448);
  }
}

test("tuned window: a SYN offers whole segments of half the buffer, a SYN-ACK counts the timestamps", async () => {
  const client = await lone(KERNEL);
  client.opens();
  assert.equal(client.segments()[0].wnd, 64240);
  const server = await lone(KERNEL);
  server.listens();
  server.receives({ flags: "S", mss: 1460, wscale: 7, ts: [0, 0], sackPermitted: true });
  assert.equal(server.segments()[0].wnd, 65160);
  const scripts = await lone(SCRIPTS);
  scripts.opens();
  assert.equal(scripts.segments()[0].wnd, 65535, "no window of a SYN is scaled");
});

test("tuned window: the scale is that of the largest buffer there may be", async () => {
  for (const [rmemMax, scale] of [[6291456, 7], [15728640, 8], [65535, 2], [1 << 30, 14]]) {
    const tcp = await lone({ ...KERNEL, receiveBuffer: 60000, rmemMax });
    tcp.opens();
    assert.equal(tcp.segments()[0].wscale, scale, `${rmemMax}`);
  }
});

test("tuned window: the first ACKs keep what the SYN offered, rounded up to the scale", async () => {
  const tcp = await lone(KERNEL);
  tcp.opens();
  tcp.receives({ flags: "SA", ack: 1, mss: 1460, wscale: 7, ts: [0, 0], sackPermitted: true });
  assert.deepEqual(window(tcp), { field: 502, bytes: 64256 });
  const scripts = await lone(SCRIPTS);
  scripts.opens();
  scripts.receives({ flags: "SA", ack: 1, mss: 1460, wscale: 7, ts: [0, 0], sackPermitted: true });
  assert.equal(window(scripts).field, 256);
});

test("tuned window: one segment stays in reserve", async () => {
  const tcp = await accepted(KERNEL);
  streams(tcp, 1);
  assert.equal(tcp.rx(Receiver.window_clamp), 65536 - 1448);
  assert.equal(tcp.rx(Receiver.rcv_ssthresh), 65536 - 1448);
});

test("tuned window: SO_RCVBUF fixes it, and the scale with it", async () => {
  const tcp = await lone({ ...KERNEL, timestamps: false });
  tcp.setsReceiveBuffer(40000);
  tcp.opens();
  const [syn] = tcp.segments();
  assert.equal(syn.wnd, 20000 - 20000 % 1460);
  assert.equal(syn.wscale, 0);
});

test("tuned window: without scaling no window passes 65535", async () => {
  const tcp = await connected({ ...SCRIPTS, windowScaling: false });
  for (let n = 0; n < 100; n++) {
    streams(tcp, 1);
    for (const { wnd } of tcp.segments()) assert.ok(wnd > 60000 && wnd <= 65535, `${wnd}`);
  }
});

test("tuned buffer: it grows with what a reader takes in a round trip, up to the largest", async () => {
  const tcp = await connected(KERNEL);
  let edge = 0;
  let grown = 0;
  for (let round = 0; round < 60; round++) {
    // Twice as much each round trip of 100 ms, as long as the window lets it
    const inFlight = Math.min(10 * 2 ** round, Math.floor((tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt)) / 1448));
    for (let n = 0; n < inFlight; n++) {
      tcp.receives({ len: 1448, ts: echo(tcp, 100) });
      tcp.reads(1448);
    }
    for (const { ack, wnd } of tcp.segments()) {
      const right = ack + (wnd << tcp.get(Tcb.rcv_wscale));
      assert.ok(right >= edge);
      edge = right;
    }
    tcp.passes("100ms");
    grown = tcp.get(Tcb.rcv_buf);
  }
  assert.equal(grown, 6291456);
  assert.equal(tcp.rx(Receiver.window_clamp), 6291456 / 2);
});

test("tuned buffer: the receiver knows the round-trip time from echoed timestamps", async () => {
  const tcp = await connected(KERNEL);
  for (let n = 0; n < 50; n++) {
    tcp.passes("10ms");
    tcp.receives({ len: 1448, ts: echo(tcp, 80) });
    tcp.reads(1448);
  }
  const rtt_ms = tcp.rx(Receiver.rcv_rtt_us8) / 8000;
  assert.ok(Math.abs(rtt_ms - 80) < 2, `${rtt_ms}`);
});

test("tuned buffer: without timestamps the shortest time for a window counts", async () => {
  const tcp = await connected({ ...KERNEL, timestamps: false });
  streams(tcp, 200);
  const window_segments = 64240 / 1448;
  const rtt_ms = tcp.rx(Receiver.rcv_rtt_us8) / 8000;
  assert.ok(rtt_ms > window_segments - 2 && rtt_ms < window_segments + 3, `${rtt_ms}`);
});

test("tuned buffer: a slow reader's stays", async () => {
  const tcp = await connected(KERNEL);
  for (let n = 0; n < 200; n++) {
    tcp.passes("100ms");
    tcp.receives({ len: 1448, ts: echo(tcp, 100) });
    tcp.reads(1448);
  }
  assert.equal(tcp.get(Tcb.rcv_buf), 131072);
});

test("tuned buffer: SO_RCVBUF ends the tuning", async () => {
  const tcp = await connected(KERNEL);
  tcp.setsReceiveBuffer(131072);
  for (let n = 0; n < 400; n++) {
    tcp.receives({ len: 1448, ts: echo(tcp, 10) });
    tcp.reads(1448);
    if (n % 20 === 0) tcp.passes("10ms");
  }
  assert.equal(tcp.get(Tcb.rcv_buf), 131072);
});

test("tuned window: what is not read takes room, until the window is zero rather than silly", async () => {
  const tcp = await connected({ ...KERNEL, timestamps: false, windowScaling: false }, { wnd: 65535 });
  const offers: number[] = [];
  for (let n = 0; n < 46; n++) {
    const room = tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt);
    if (room < 1460) break;
    tcp.receives({ len: 1460 });
    tcp.passes("50ms");
    offers.push(...tcp.segments().map(({ wnd }) => wnd));
  }
  assert.ok(offers.length > 10);
  // Never silly: whole segments, and below a sixteenth of the space nothing new
  tcp.reads(500);
  tcp.receives({ seq: tcp.rcvNxt + tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt), len: 1 });
  const edge = tcp.get(Tcb.rcv_adv);
  assert.equal(tcp.segments().length, 1);
  tcp.reads(1000);
  assert.equal(tcp.get(Tcb.rcv_adv), edge);
});

test("tuned window: a closed window is told of once it is worth it", async () => {
  const tcp = await connected({ ...KERNEL, timestamps: false }, { wnd: 65535 });
  while (tcp.get(Tcb.rcv_adv) !== tcp.get(Tcb.rcv_nxt)) {
    const room = tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt) >>> 0;
    tcp.receives({ len: Math.min(room, 1460) });
  }
  tcp.passes("1s");
  tcp.segments();
  tcp.reads(1460);
  assert.equal(tcp.segments().length, 0);
  let read = 1460;
  while (tcp.segments().length === 0) {
    tcp.reads(100);
    read += 100;
  }
  // A sixteenth of the space is free
  const free = 65536 - (tcp.rcvNxt - 1 - read);
  assert.ok(free >= 4096 && free < 4096 + 128 + 100, `${free}`);
});

test("tuned window: it may be taken back when the run allows it, and only then", async () => {
  for (const shrinkWindow of [false, true]) {
    const tcp = await connected({ ...KERNEL, timestamps: false, shrinkWindow });
    let edge = tcp.get(Tcb.rcv_adv);
    let shrank = false;
    for (let n = 0; n < 60; n++) {
      // Text ahead of order takes room as well
      tcp.receives({ seq: tcp.rcvNxt + 200 + 300 * n, len: 150 });
      if (n % 4 === 0) tcp.receives({ len: 100 });
      shrank ||= (tcp.get(Tcb.rcv_adv) - edge | 0) < 0;
      edge = tcp.get(Tcb.rcv_adv);
    }
    assert.equal(shrank, shrinkWindow);
  }
});

for (const tunedBuffer of [false, true]) {
  test(`window: rounding it up to the scale does not push it beyond the buffer for ever, tuned ${tunedBuffer}`, async () => {
    const tcp = await connected({ ...KERNEL, tunedBuffer, receiveBuffer: 300_000, quickAcks: 0, delayedAck: false });
    const space = tunedBuffer ? 150_000 : 300_000;
    while (tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt) > 300) tcp.receives({ len: 300 });
    for (let n = 0; n < 60_000 && tcp.get(Tcb.rcv_adv) !== tcp.get(Tcb.rcv_nxt); n++) tcp.receives({ len: 1 });
    assert.ok(tcp.rcvNxt - 1 <= space + 0x8000, `${tcp.rcvNxt}`);
    assert.equal(tcp.get(Tcb.rcv_adv), tcp.get(Tcb.rcv_nxt));
  });
}
