/** TCP Fast Open, RFC 7413, as Linux has it. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine } from "../../src/core/engine.ts";
import {
  AltChecksum,
  CaState,
  Engine as Root,
  FastOpenSysctl,
  InfoOption,
  Recovery,
  State,
  Tcb,
  TcbExt,
} from "../../src/core/layout.gen.ts";
import { readTcpInfo } from "../../src/core/tcp_info.ts";
import { siphash } from "../oracles/siphash.ts";
import { lone, type Settings, type Tcp } from "./harness.ts";

const MSS = 1460;
const COOKIE = 0x0807060504030201n;
/** The same as bytes on the wire. */
const COOKIE_HEX = "0102030405060708";
const CLIENT: Settings = { fastOpen: FastOpenSysctl.CLIENT, mss: MSS };
const SERVER: Settings = { fastOpen: FastOpenSysctl.SERVER, mss: MSS, nagle: false };

/** Flags, place, acknowledgment, length and Fast Open option of what leaves. */
function seen(tcp: Tcp): string[] {
  return tcp.segments().map(({ flags, seq, ack, len, fastOpen }) =>
    `${flags} ${seq}:${len}${flags.includes("A") ? ` ack ${ack}` : ""}${
      fastOpen === undefined ? "" : ` fo ${fastOpen}`
    }`
  );
}

/** A client that has been given a cookie by an earlier connection, now over. */
async function knowing(settings: Settings = {}): Promise<Tcp> {
  const tcp = await lone({ ...CLIENT, ...settings });
  tcp.opensFast(0);
  tcp.receives({ flags: "SA", mss: MSS, fastOpen: COOKIE_HEX });
  tcp.receives({ flags: "R", seq: 1 });
  tcp.segments();
  assert.equal(tcp.state, "CLOSED");
  tcp.set(Tcb.end_reason, 0);
  return tcp;
}

async function listener(settings: Settings = {}): Promise<Tcp> {
  const tcp = await lone({ ...SERVER, ...settings });
  tcp.listens();
  tcp.cookie = COOKIE;
  return tcp;
}

test("fast open: without a cookie the SYN asks for one and carries no data (§4.1.3)", async () => {
  const tcp = await lone(CLIENT);
  tcp.opensFast(500);
  assert.deepEqual(seen(tcp), ["S 0:0 fo "]);
  tcp.receives({ flags: "SA", mss: MSS, fastOpen: COOKIE_HEX });
  assert.deepEqual(seen(tcp), ["A 1:0 ack 1", "PA 1:500 ack 1"]);
});

test("fast open: with one the SYN carries it and data, as much as fits beside forty bytes of options", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  assert.deepEqual(seen(tcp), [`S 0:500 fo ${COOKIE_HEX}`]);
  const more = await knowing();
  more.opensFast(3000);
  assert.deepEqual(seen(more), [`S 0:${MSS - 40} fo ${COOKIE_HEX}`]);
});

test("fast open: a SYN-ACK that acknowledges the data is answered by an ACK, and the rest follows", async () => {
  const tcp = await knowing();
  tcp.opensFast(2000);
  tcp.segments();
  tcp.receives({ flags: "SA", ack: 1421, mss: MSS });
  assert.deepEqual(seen(tcp), ["A 1421:0 ack 1", "PA 1421:580 ack 1"]);
  assert.equal(tcp.state, "ESTABLISHED");
  tcp.receives();
  assert.equal(tcp.sndUna, 2001);
});

test("fast open: data that the SYN-ACK does not acknowledge is sent again at once (§4.2.1)", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.segments();
  tcp.receives({ flags: "SA", ack: 1, mss: MSS });
  assert.deepEqual(seen(tcp), ["PA 1:500 ack 1"]);
  assert.equal(tcp.get(Tcb.cwnd), 10, "no congestion");
  tcp.receives({ ack: 501 });
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
  assert.equal(tcp.sndUna, 501);
});

for (const recovery of [0, Recovery.LINUX]) {
  test(`fast open: what a SYN carried is sent again in segments that the peer takes, recovery ${recovery}`, async () => {
    const tcp = await knowing({ recovery, sack: true });
    tcp.opensFast(1300);
    tcp.segments();
    tcp.receives({ flags: "SA", ack: 1, mss: 536, sackPermitted: true });
    assert.deepEqual(seen(tcp), ["A 1:536 ack 1", "A 537:536 ack 1", "PA 1073:228 ack 1"]);
    assert.equal(tcp.get(Tcb.cwnd), 10, "no congestion");
    tcp.receives({ ack: 1301 });
    assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
    assert.equal(tcp.sndUna, 1301);
  });
}

test("fast open: after two lost SYNs what the first carried goes out one segment at a time", async () => {
  const tcp = await knowing();
  tcp.opensFast(1300);
  tcp.passes("1s");
  tcp.passes("2s");
  tcp.segments();
  tcp.receives({ flags: "SA", ack: 1, mss: 536 });
  assert.deepEqual(seen(tcp), ["A 1:536 ack 1"]);
  tcp.receives({ ack: 537 });
  assert.deepEqual(seen(tcp), ["A 537:536 ack 1"]);
  tcp.receives({ ack: 1073 });
  assert.deepEqual(seen(tcp), ["PA 1073:228 ack 1"]);
  tcp.receives({ ack: 1301 });
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("fast open: with a simultaneous open the peer may have taken the data of the SYN", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.segments();
  tcp.receives({ flags: "S", mss: MSS });
  assert.match(seen(tcp).join(), /^SA 0:0 ack 1/);
  tcp.receives({ flags: "SA", seq: 0, ack: 501, mss: MSS });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.sndUna, 501);
  assert.deepEqual(seen(tcp), ["A 501:0 ack 1"]);
});

test("fast open: what of the SYN's data the SYN-ACK leaves is lost and sent again, and the data does not count as taken", async () => {
  const tcp = await knowing({ recovery: Recovery.LINUX, sack: true });
  tcp.opensFast(1300);
  tcp.segments();
  tcp.receives({ flags: "SA", ack: 501, mss: 536, sackPermitted: true });
  assert.deepEqual(seen(tcp), ["A 501:536 ack 1", "PA 1037:264 ack 1"]);
  const info = readTcpInfo(tcp.engine, tcp.tcb, tcp.now);
  const { tcpi_ca_state, tcpi_lost, tcpi_retrans, tcpi_total_retrans, tcpi_options, tcpi_snd_cwnd } = info;
  assert.deepEqual(
    { tcpi_ca_state, tcpi_lost, tcpi_retrans, tcpi_total_retrans, tcpi_options, tcpi_snd_cwnd },
    {
      tcpi_ca_state: CaState.LOSS,
      tcpi_lost: 2,
      tcpi_retrans: 2,
      tcpi_total_retrans: 2,
      tcpi_options: InfoOption.SACK,
      tcpi_snd_cwnd: 10,
    },
  );
  tcp.receives({ ack: 1301 });
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("fast open: with a simultaneous open data of the SYN that was not taken is sent again", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.segments();
  tcp.receives({ flags: "S", mss: MSS });
  tcp.segments();
  tcp.receives({ ack: 1 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(seen(tcp), ["PA 1:500 ack 1"]);
  tcp.receives({ ack: 501 });
  assert.equal(tcp.sndUna, 501);
});

test("fast open: a client whose SYN has crossed the peer's grants no cookie", async () => {
  for (const text of [0, 500]) {
    const tcp = text ? await knowing() : await lone(CLIENT);
    tcp.opensFast(text);
    tcp.segments();
    tcp.receives({ flags: "S", mss: MSS });
    assert.deepEqual(seen(tcp), ["SA 0:0 ack 1"]);
  }
});

test("fast open: the longest cookie gives way to a checksum that is asked for, so that options take forty bytes at most", async () => {
  const longest = "00112233445566778899aabbccddeeff";
  for (const [timestamps, early] of [[true, false], [false, true]] as const) {
    const tcp = await lone({ ...CLIENT, timestamps, sack: true, windowScaling: true });
    tcp.opensFast(0);
    tcp.receives({ flags: "SA", mss: MSS, fastOpen: longest });
    tcp.receives({ flags: "R", seq: 1 });
    tcp.segments();
    tcp.set(Tcb.end_reason, 0);
    tcp.engine.set(tcp.get(Tcb.ext), TcbExt.alt_checksum_wish, AltChecksum.FLETCHER_8);
    tcp.opensFast(100);
    const [{ fastOpen, len, altChecksum }] = tcp.segments();
    assert.equal(altChecksum, AltChecksum.FLETCHER_8);
    assert.deepEqual([fastOpen, len], early ? [longest, 100] : [undefined, 0]);
  }
});

test("fast open: with a simultaneous open an ACK beyond the data of the SYN is refused", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.receives({ flags: "S", mss: MSS });
  tcp.segments();
  tcp.receives({ ack: 502 });
  assert.deepEqual(seen(tcp), ["R 502:0"]);
  assert.equal(tcp.state, "SYN_RECEIVED");
});

test("fast open: a SYN that is sent again goes without option and data, and the data follows the handshake", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.segments();
  tcp.passes("1s");
  assert.deepEqual(seen(tcp), ["S 0:0"]);
  tcp.receives({ flags: "SA", ack: 1, mss: MSS });
  assert.deepEqual(seen(tcp), ["PA 1:500 ack 1"]);
});

test("fast open: a SYN-ACK that acknowledges more than was sent is refused", async () => {
  const tcp = await knowing();
  tcp.opensFast(500);
  tcp.segments();
  tcp.receives({ flags: "SA", ack: 502, mss: MSS });
  assert.deepEqual(seen(tcp), ["R 502:0"]);
});

test("fast open: a new cookie replaces the old one", async () => {
  const tcp = await knowing();
  tcp.opensFast(10);
  tcp.receives({ flags: "SA", ack: 1, mss: MSS, fastOpen: "a1a2a3a4" });
  tcp.receives({ flags: "R", seq: 1 });
  tcp.segments();
  tcp.set(Tcb.end_reason, 0);
  tcp.opensFast(10);
  assert.deepEqual(seen(tcp), ["S 0:10 fo a1a2a3a4"]);
});

test("fast open: bit 0x4 sends data without cookie and option", async () => {
  const tcp = await lone({ ...CLIENT, fastOpen: FastOpenSysctl.CLIENT | FastOpenSysctl.CLIENT_NO_COOKIE });
  tcp.opensFast(100);
  assert.deepEqual(seen(tcp), ["S 0:100"]);
});

test("fast open: a client that is switched off opens as ever", async () => {
  const tcp = await lone({ ...CLIENT, fastOpen: 0 });
  tcp.opensFast(100);
  assert.deepEqual(seen(tcp), ["S 0:0"]);
});

test("fast open: a server grants a cookie to who asks, and acknowledges the SYN only", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", mss: MSS, fastOpen: "" });
  assert.deepEqual(seen(tcp), [`SA 0:0 ack 1 fo ${COOKIE_HEX}`]);
});

test("fast open: a wrong cookie brings the right one, and the data is not taken (§4.2.2)", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: "1111111111111111" });
  assert.deepEqual(seen(tcp), [`SA 0:0 ack 1 fo ${COOKIE_HEX}`]);
  assert.deepEqual(tcp.notifications(), []);
});

test("fast open: with the right cookie the SYN's data is the application's, and the SYN-ACK acknowledges it", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  assert.equal(tcp.get(Tcb.state), State.SYN_RECEIVED);
  assert.ok(tcp.notifications().includes("ESTABLISHED"));
  tcp.passes("100ms");
  tcp.receives({ seq: 101 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(seen(tcp), []);
});

test("fast open: a server may answer before the handshake is over", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  tcp.segments();
  tcp.writes(3000);
  assert.deepEqual(seen(tcp), ["A 1:1460 ack 101", "A 1461:1460 ack 101", "PA 2921:80 ack 101"]);
  tcp.passes("100ms");
  tcp.receives({ seq: 101, ack: 1461 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.sndUna, 1461);
  tcp.receives({ seq: 101, ack: 3001 });
  assert.equal(tcp.sndUna, 3001);
});

test("fast open: an unanswered SYN-ACK is sent again, the data behind it is not", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  tcp.writes(100);
  tcp.segments();
  tcp.passes("1s");
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  tcp.receives({ seq: 101, ack: 1 });
  assert.equal(tcp.state, "ESTABLISHED");
  tcp.passesToNextDeadline();
  assert.deepEqual(seen(tcp), ["PA 1:100 ack 101"]);
});

for (const recovery of [0, Recovery.LINUX]) {
  test(`fast open: data that leaves early does not put the SYN-ACK's time-out off, recovery ${recovery}`, async () => {
    const tcp = await listener({ recovery, sack: true, timestamps: true });
    tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX, sackPermitted: true, ts: [1, 0] });
    tcp.passes("700ms");
    tcp.writes(100);
    tcp.segments();
    tcp.passes("299ms");
    assert.deepEqual(seen(tcp), []);
    tcp.passes("1ms");
    assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
    tcp.passes("100ms");
    tcp.writes(50);
    assert.deepEqual(seen(tcp), ["PA 101:50 ack 101"]);
    // Doubled: 2 s from the repetition, counted once
    tcp.passes("1899ms");
    assert.deepEqual(seen(tcp), []);
    tcp.passes("1ms");
    assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
    assert.equal(tcp.get(Tcb.unanswered), 2);
  });
}

test("fast open: data that leaves early does not spoil the round-trip time of the handshake", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  tcp.passes("60ms");
  tcp.writes(100);
  tcp.passes("40ms");
  tcp.receives({ seq: 101, ack: 1 });
  assert.equal(tcp.get(Tcb.srtt_us8) >> 3, 100_000);
});

test("fast open: early data that a closed window holds is no reason to ask before the handshake is over", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX, wnd: 0 });
  tcp.writes(100);
  tcp.segments();
  tcp.passes("1s");
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  tcp.passes("2s");
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  tcp.receives({ seq: 101, ack: 1, wnd: 0 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(seen(tcp), []);
  tcp.passesToNextDeadline();
  assert.deepEqual(seen(tcp), ["A 0:0 ack 101"]);
});

test("fast open: a connection that is closed early sends its FIN, and then the SYN-ACK again and nothing else", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  tcp.passes("400ms");
  tcp.writes(200);
  tcp.segments();
  tcp.closes();
  assert.deepEqual(seen(tcp), ["FA 201:0 ack 101"]);
  tcp.passes("599ms");
  assert.deepEqual(seen(tcp), []);
  tcp.passes("1ms");
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  tcp.passes("2s");
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
  // The handshake is over: from now on it is the data that goes unanswered
  tcp.receives({ seq: 101, ack: 1 });
  assert.equal(tcp.state, "FIN_WAIT_1");
  assert.deepEqual(seen(tcp), []);
  tcp.passes("2999ms");
  assert.deepEqual(seen(tcp), []);
  tcp.passes("1ms");
  assert.equal(seen(tcp).length, 1);
  tcp.receives({ seq: 101, ack: 202 });
  assert.equal(tcp.state, "FIN_WAIT_2");
});

test("fast open: a connection that is closed early ends when its SYN-ACK was repeated in vain", async () => {
  const tcp = await listener({ synRetries: 2 });
  tcp.receives({ flags: "S", len: 100, mss: MSS, fastOpen: COOKIE_HEX });
  tcp.leaves();
  while (tcp.passesToNextDeadline());
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101", "FA 1:0 ack 101", ...Array<string>(3).fill("SA 0:0 ack 101")]);
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("fast open: bit 0x200 takes data without any cookie", async () => {
  const tcp = await listener({ fastOpen: FastOpenSysctl.SERVER | FastOpenSysctl.SERVER_NO_COOKIE });
  tcp.receives({ flags: "S", len: 100, mss: MSS });
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 101"]);
});

test("fast open: data without option is not taken otherwise", async () => {
  const tcp = await listener();
  tcp.receives({ flags: "S", len: 100, mss: MSS });
  assert.deepEqual(seen(tcp), ["SA 0:0 ack 1"]);
});

test("fast open: the cookie is SipHash of both addresses under the key, as Linux makes it", async () => {
  const engine = await Engine.load();
  engine.exports.init(1n);
  const keys = engine.root + Root.fastopen_key0.offset;
  engine.set(engine.root, Root.fastopen_key0, 0xb2b2b2b2a1a1a1a1n);
  engine.set(engine.root, Root.fastopen_key1, 0xd4d4d4d4c3c3c3c3n);
  const key = [0xa1, 0xb2, 0xc3, 0xd4].flatMap((byte) => Array<number>(4).fill(byte));
  const [client, server] = [[192, 0, 2, 1], [192, 168, 0, 1]];
  const cookie = BigInt.asUintN(64, engine.exports.fastOpenCookie4(keys, 0xc0000201, 0xc0a80001));
  assert.equal(cookie, siphash(key, [...client, ...server]));
  const six = Array.from({ length: 32 }, (_, i) => 7 * i & 255);
  const words = [0, 8, 16, 24].map((at) => new DataView(Uint8Array.from(six).buffer).getBigUint64(at, true));
  const [a, b, c, d] = words;
  assert.equal(BigInt.asUintN(64, engine.exports.fastOpenCookie6(keys, a, b, c, d)), siphash(key, six));
});

test("siphash: the oracle gives what its authors publish", () => {
  const key = Array.from({ length: 16 }, (_, i) => i);
  assert.equal(siphash(key, Array.from({ length: 15 }, (_, i) => i)), 0xa129ca6149be45e5n);
});
