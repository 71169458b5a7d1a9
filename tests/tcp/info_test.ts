/** TCP_INFO: what Linux would report, kept exactly (tcp(7); PACKETDRILL 5). */
import assert from "node:assert/strict";
import test from "node:test";
import { Simulation } from "../../src/mod.ts";
import { readTcpInfo, type TcpInfo } from "../../src/core/tcp_info.ts";
import { accepted, connected, type Tcp } from "./harness.ts";

const MSS = 1000;

function info(tcp: Tcp): TcpInfo {
  return readTcpInfo(tcp.engine, tcp.tcb, tcp.now);
}

/** Some of the fields. */
function pick(tcp: Tcp, ...names: (keyof TcpInfo)[]): Record<string, number> {
  const all = info(tcp);
  return Object.fromEntries(names.map((name) => [name.replace("tcpi_", ""), all[name]]));
}

test("tcp info: state, options, scales and sizes after the handshake", async () => {
  const tcp = await connected({ mss: 1460, sack: true, timestamps: true, windowScaling: true });
  assert.deepEqual(
    pick(tcp, "tcpi_state", "tcpi_ca_state", "tcpi_options", "tcpi_snd_wscale", "tcpi_snd_mss", "tcpi_advmss"),
    { state: 1, ca_state: 0, options: 7, snd_wscale: 7, snd_mss: 1448, advmss: 1448 },
  );
  assert.deepEqual(
    pick(tcp, "tcpi_snd_cwnd", "tcpi_snd_ssthresh", "tcpi_rtt", "tcpi_rttvar", "tcpi_rto", "tcpi_min_rtt"),
    { snd_cwnd: 10, snd_ssthresh: 0x7fffffff, rtt: 100_000, rttvar: 50_000, rto: 300_000, min_rtt: 100_000 },
  );
});

test("tcp info: delivered counts the SYN, then each segment once", async () => {
  const tcp = await connected({ mss: MSS, sack: true });
  assert.equal(info(tcp).tcpi_delivered, 1);
  tcp.writes(5 * MSS);
  tcp.receives({ ack: 1, sack: [[3001, 5001]] });
  assert.deepEqual(pick(tcp, "tcpi_delivered", "tcpi_unacked", "tcpi_sacked"), { delivered: 3, unacked: 5, sacked: 2 });
  tcp.receives({ ack: 5001 });
  assert.deepEqual(pick(tcp, "tcpi_delivered", "tcpi_unacked", "tcpi_sacked"), { delivered: 6, unacked: 0, sacked: 0 });
});

test("tcp info: busy from the write until all of it is acknowledged", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.passes("50ms");
  assert.equal(info(tcp).tcpi_busy_time, 0);
  tcp.writes(3 * MSS);
  tcp.passes("20ms");
  assert.equal(info(tcp).tcpi_busy_time, 20_000);
  tcp.receives({ ack: 1001 });
  tcp.passes("10ms");
  tcp.receives({ ack: 3001 });
  tcp.passes("100ms");
  assert.deepEqual(pick(tcp, "tcpi_busy_time", "tcpi_rwnd_limited"), { busy_time: 30_000, rwnd_limited: 0 });
});

test("tcp info: rwnd_limited while the peer's window holds data back, and it counts as busy", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 4000 });
  tcp.writes(6 * MSS);
  tcp.passes("30ms");
  assert.deepEqual(pick(tcp, "tcpi_busy_time", "tcpi_rwnd_limited"), { busy_time: 30_000, rwnd_limited: 30_000 });
  tcp.receives({ ack: 4001, wnd: 4000 });
  tcp.passes("30ms");
  assert.deepEqual(pick(tcp, "tcpi_busy_time", "tcpi_rwnd_limited"), { busy_time: 60_000, rwnd_limited: 30_000 });
});

test("tcp info: sndbuf_limited while all is sent, cwnd has room and the application waits for the buffer", async () => {
  const tcp = await connected({ mss: MSS, sendBuffer: 6000 });
  assert.equal(tcp.writes(8000), 6000);
  tcp.passes("40ms");
  assert.equal(info(tcp).tcpi_sndbuf_limited, 0, "in slow start six segments out of ten use the window");
  const roomy = await connected({ mss: MSS, sendBuffer: 4000, initialWindow: 20 });
  assert.equal(roomy.writes(6000), 4000);
  roomy.passes("40ms");
  assert.equal(info(roomy).tcpi_sndbuf_limited, 40_000);
  roomy.receives({ ack: 3001 });
  roomy.passes("10ms");
  assert.deepEqual(
    pick(roomy, "tcpi_busy_time", "tcpi_sndbuf_limited"),
    { busy_time: 50_000, sndbuf_limited: 40_000 },
  );
});

test("tcp info: times since data was sent and received, bytes both ways", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(500);
  tcp.passes("7ms");
  tcp.receives({ len: 300 });
  tcp.passes("5ms");
  assert.deepEqual(pick(tcp, "tcpi_last_data_sent", "tcpi_bytes_received", "tcpi_bytes_sent", "tcpi_bytes_acked"), {
    last_data_sent: 12,
    bytes_received: 300,
    bytes_sent: 500,
    bytes_acked: 501,
  });
  tcp.receives({ flags: "FA" });
  assert.equal(info(tcp).tcpi_bytes_received, 301, "the FIN counts");
});

test("tcp info: the passive end's SYN counts as delivered, not as bytes acknowledged", async () => {
  const tcp = await accepted({ mss: MSS });
  tcp.writes(100);
  tcp.receives();
  assert.deepEqual(pick(tcp, "tcpi_bytes_acked", "tcpi_delivered"), { bytes_acked: 100, delivered: 2 });
});

test("tcp info: retransmissions, their bytes, and the backoff", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(2 * MSS);
  tcp.passesToNextDeadline();
  tcp.passesToNextDeadline();
  assert.deepEqual(
    pick(tcp, "tcpi_retransmits", "tcpi_backoff", "tcpi_total_retrans", "tcpi_bytes_retrans", "tcpi_lost"),
    { retransmits: 2, backoff: 2, total_retrans: 2, bytes_retrans: 2000, lost: 2 },
  );
  assert.equal(info(tcp).tcpi_rto, 1_200_000);
});

test("tcp info: what is queued and not sent", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 2 });
  tcp.writes(5 * MSS);
  assert.deepEqual(pick(tcp, "tcpi_notsent_bytes", "tcpi_unacked"), { notsent_bytes: 3000, unacked: 2 });
});

test("Simulation.tcpInfo: tells of either end of any flow", async () => {
  const simulation = await Simulation.create({
    topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
    flows: [{ count: 2 }],
  });
  await simulation.runUntil("1s");
  const [a, b] = [simulation.tcpInfo(1), simulation.tcpInfo(1, "b")];
  assert.equal(a.tcpi_state, 1);
  assert.ok(a.tcpi_bytes_acked > 100_000 && a.tcpi_unacked > 0);
  assert.ok(b.tcpi_bytes_received >= a.tcpi_bytes_acked - 1);
  assert.equal(a.tcpi_snd_mss, 1448);
  assert.throws(() => simulation.tcpInfo(2), /found flow 2, expected 0 to 1/);
  simulation.close();
});
