/**
 * The runner apart from the engine: a recorded stream that its script accepts, and the same stream with one thing
 * altered, which the script must refuse with a message that names the thing.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { drill, type ScriptReport } from "../../src/packetdrill/drill.ts";
import type { TcpOption } from "../../src/packetdrill/syntax.ts";
import { type Recording, ReplayHost } from "./replay.ts";

/** A server: handshake, a burst of two segments, a hole SACKed by the local end, a write, urgent data, a close. */
const SCRIPT = `// A server's life
--tcp_ts_tick_usecs=1000
0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0

+0 < [ect0] S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>
+0 > [noecn] SE. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 200 ecr 100,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 200 ecr 200>
+0 accept(3, ..., ...) = 4

+0 write(4, ..., 1900) = 1900
+0 > [ect0,tos 0x2] P. 1:1901(1900) ack 1 <nop,nop,TS val 300 ecr 200>
+.1 < . 1001:2001(1000) ack 1901 win 257 <nop,nop,TS val 300 ecr 300>
+0 > . 1901:1901(0) ack 1 <nop,nop,TS val 400 ecr 200,nop,nop,sack 1001:2001>
+0 %{ assert tcpi_unacked == 0, tcpi_unacked
      assert 9 <= tcpi_snd_cwnd <= 11 }%
+.1 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
+0...0.3 read(4, ..., 1000) = 500
+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
+0 send(4, ..., 1, MSG_OOB) = 1
+0 > PU. 1901:1902(1) ack 1 urg 1 <...>
+1 close(4) = 0
* > W. 1902:2902(1000) ack 1 <...>
+0.1~+0.2 > F. 2902:2902(0) ack 1 <nop,nop,TS val 1700 ecr 200>
`;

const ISN = 0xfffffff0;

function at(offset: number): number {
  return (ISN + offset) >>> 0;
}

function ts(val: number, ecr: number): TcpOption {
  return { kind: "TS", val, ecr };
}

const NOPS: TcpOption[] = [{ kind: "nop" }, { kind: "nop" }];

/** The stream that the script above accepts. Live timestamps are 5000 ahead of the script's. */
function recording(): Recording {
  const syn: TcpOption[] = [
    { kind: "mss", value: 1460 },
    { kind: "sackOK" },
    ts(5200, 100),
    { kind: "nop" },
    { kind: "wscale", value: 8 },
  ];
  const data = { flags: ".", ack: 1, win: 256 };
  return {
    packets: [
      { at: 0, flags: "SE.", seq: at(0), length: 0, ack: 1, win: 65535, options: syn },
      { ...data, at: 0.1, seq: at(1), length: 1000, options: [...NOPS, ts(5300, 200)], tos: 2 },
      { ...data, at: 0.1, flags: "P.", seq: at(1001), length: 900, options: [...NOPS, ts(5300, 200)], tos: 2 },
      {
        ...data,
        at: 0.2,
        seq: at(1901),
        length: 0,
        options: [...NOPS, ts(5400, 200), ...NOPS, { kind: "sack", blocks: [[1001, 2001]] }],
      },
      { ...data, at: 0.3, flags: "PU.", seq: at(1901), length: 1, urg: 1, options: [...NOPS, ts(5500, 200)] },
      { ...data, at: 1.35, flags: "W.", seq: at(1902), length: 600, options: [...NOPS, ts(6500, 200)], tos: 2 },
      { ...data, at: 1.35, flags: ".", seq: at(2502), length: 400, options: [...NOPS, ts(6500, 200)], tos: 2 },
      { ...data, at: 1.5, flags: "F.", seq: at(2902), length: 0, options: [...NOPS, ts(6700, 200)] },
    ],
    calls: [
      { call: "socket", result: 7 },
      { call: "setsockopt", result: 0 },
      { call: "bind", result: 0 },
      { call: "listen", result: 0 },
      { call: "accept", result: 9, peerPort: 53055 },
      { call: "write", result: 1900 },
      { call: "read", result: -11 },
      { call: "read", result: 500, returnsAt: 0.6 },
      { call: "getsockopt", result: 0, value: 0 },
      { call: "poll", result: 1, revents: [4] },
      { call: "write", result: 1 },
      { call: "close", result: 0 },
    ],
    infos: [{ tcpi_unacked: 0, tcpi_snd_cwnd: 10 }],
  };
}

function play(stream: Recording, script = SCRIPT): Promise<ScriptReport> {
  const options = { strictEnd: true };
  return drill("a.pkt", script, () => Promise.resolve(new ReplayHost(stream)), {}, options);
}

test("runner: a recorded stream passes the script it was recorded for", async () => {
  const report = await play(recording());
  assert.equal(report.message, undefined);
  assert.equal(report.outcome, "passed");
});

test("runner: packets are reported in the script's numbers", async () => {
  const { packets } = await play(recording());
  assert.equal(packets[0], "0.000000 < [ect0] S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 7>");
  assert.equal(packets[1], "0.000000 > SE. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 5200 ecr 100,nop,wscale 8>");
  assert.equal(packets[3], "0.100000 > [ect0] . 1:1001(1000) ack 1 win 256 <nop,nop,TS val 5300 ecr 200>");
});

/** What is altered, how, the line that must fail, and what the message must say. */
const ALTERATIONS: [string, (stream: Recording) => void, number, RegExp][] = [
  ["sequence number", ({ packets }) => packets[3].seq++, 16, /expected seq 1901, got seq 1902 /],
  ["sequence number of a SYN's successor", ({ packets }) => packets[0].seq--, 14, /expected seq 1, got seq 2 /],
  ["acknowledgment number", ({ packets }) => packets[3].ack = 2, 16, /expected ack 1, got ack 2 /],
  ["length", ({ packets }) => packets[4].length = 2, 24, /expected length 1, got length 2 /],
  ["flag", ({ packets }) => packets[7].flags = ".", 27, /expected flags F\., got flags \. /],
  [
    "PSH on the last segment of a burst",
    ({ packets }) => packets[2].flags = ".",
    14,
    /expected flags P\., got flags \. /,
  ],
  [
    "CWR on the first segment of a burst",
    ({ packets }) => packets[5].flags = ".",
    26,
    /expected flags W\., got flags \. /,
  ],
  [
    "CWR on the last segment only",
    ({ packets }) => {
      packets[5].flags = ".";
      packets[6].flags = "W.";
    },
    26,
    /expected flags W\., got flags \. /,
  ],
  ["ACE bit", ({ packets }) => packets[0].flags = "SA.", 9, /expected flags SE\., got flags SA\. /],
  ["window", ({ packets }) => packets[0].win = 65534, 9, /expected win 65535, got win 65534 /],
  ["urgent pointer", ({ packets }) => packets[4].urg = 2, 24, /expected urg 1, got urg 2 /],
  ["ECN bits", ({ packets }) => packets[0].tos = 2, 9, /expected ECN noecn, got ECN ect0 /],
  ["tos", ({ packets }) => packets[1].tos = packets[2].tos = 0x22, 14, /expected tos 2, got tos 34 /],
  ["tos within a burst", ({ packets }) => packets[2].tos = 0, 14, /expected length 1900, got length 1000 /],
  [
    "acknowledgment number within a burst",
    ({ packets }) => packets[2].ack = 2,
    14,
    /expected length 1900, got length 1000 /,
  ],
  ["gap within a burst", ({ packets }) => packets[2].seq++, 14, /expected length 1900, got length 1000 /],
  [
    "larger segment behind a smaller one",
    ({ packets }) => {
      Object.assign(packets[1], { length: 900 });
      Object.assign(packets[2], { seq: at(901), length: 1000 });
    },
    14,
    /expected length 1900, got length 900 /,
  ],
  [
    "option order",
    ({ packets }) => packets[0].options.reverse(),
    9,
    /expected options <mss 1460,.*>, got options <wscale 8,/,
  ],
  ["option value", ({ packets }) => packets[0].options[0] = { kind: "mss", value: 1459 }, 9, /got options <mss 1459,/],
  [
    "window scale",
    ({ packets }) => packets[0].options[4] = { kind: "wscale", value: 7 },
    9,
    /nop,wscale 8>, got options .*nop,wscale 7>/,
  ],
  [
    "SACK block",
    ({ packets }) => packets[3].options[5] = { kind: "sack", blocks: [[1001, 2002]] },
    16,
    /got options <.*sack 1001:2002>/,
  ],
  ["missing option", ({ packets }) => packets[7].options = [], 27, /expected options <nop,nop,TS.*>, got options <>/],
  ["additional option", ({ packets }) => packets[7].options.push(...NOPS, ...NOPS), 27, /got options <.*nop,nop>/],
  [
    "timestamp off its tick",
    ({ packets }) => packets[7].options[2] = ts(6706, 200),
    27,
    /expected TS val 1700, got TS val 1706/,
  ],
  ["time: too late", ({ packets }) => packets[3].at = 0.24, 16, /expected time 0.200000 \+\/- 0.004000, got 0.240000/],
  ["time: after a range", ({ packets }) => packets[7].at = 1.76, 27, /expected time 1.450000~1.550000 \+\/- /],
  [
    "time: before a range",
    ({ packets }) => {
      packets[5].at = packets[6].at = packets[7].at = 1.35;
    },
    27,
    /expected time 1.450000~1.550000 .*, got 1.350000/,
  ],
  [
    "missing packet",
    ({ packets }) => packets.splice(7, 1),
    27,
    /expected > F\. 2902:2902\(0\) ack 1 .*, got no packet/,
  ],
  ["missing packet in the middle", ({ packets }) => packets.splice(3, 1), 16, /expected length 0, got length 1 /],
  ["missing end of a burst", ({ packets }) => packets.splice(2, 1), 14, /expected length 1900, got length 1000 /],
  [
    "additional packet",
    ({ packets }) => packets.splice(3, 0, { ...packets[3], seq: at(1900) }),
    16,
    /expected seq 1901, got seq 1900 /,
  ],
  [
    "additional packet at the end",
    ({ packets }) => packets.push({ ...packets[7] }),
    27,
    /expected no more packets, got > F\. 2902:2902\(0\)/,
  ],
  [
    "order of packets",
    ({ packets }) => packets.splice(1, 2, packets[2], packets[1]),
    14,
    /expected seq 1, got seq 1001 /,
  ],
  ["packet of a port nobody opened", ({ packets }) => packets[3].localPort = 8081, 16, /got > \. .* of no connection/],
  [
    "reserved bit",
    ({ packets }) => packets[3].damage = (bytes) => bytes[32] |= 2,
    16,
    /expected a sound packet, got reserved TCP bits/,
  ],
  ["TCP checksum", ({ packets }) => packets[3].damage = (bytes) => bytes[36] ^= 1, 16, /got a wrong TCP checksum/],
  ["IP checksum", ({ packets }) => packets[3].damage = (bytes) => bytes[10] ^= 1, 16, /got a wrong IP checksum/],
  [
    "IP length",
    ({ packets }) => packets[3].damage = (bytes) => bytes[3]++,
    16,
    /got IP length \d+ of a packet of \d+ bytes/,
  ],
  [
    "header length",
    ({ packets }) => packets[3].damage = (bytes) => bytes[32] = 0x40,
    16,
    /got a TCP header of 16 bytes/,
  ],
  // Two words that leave the checksum as it was
  [
    "payload",
    ({ packets }) => packets[1].damage = (bytes) => bytes.set([0, 1, 0xff, 0xfe], bytes.length - 4),
    14,
    /got payload that is not all zeros/,
  ],
  ["result", ({ calls }) => calls[5].result = 1899, 13, /expected write\(4, \.\.\., 1900\) = 1900, got 1899$/],
  ["error in place of a result", ({ calls }) => calls[5].result = -32, 13, /= 1900, got -1 EPIPE$/],
  ["errno", ({ calls }) => calls[6].result = -104, 19, /= -1 EAGAIN, got -1 ECONNRESET$/],
  ["result in place of an error", ({ calls }) => calls[6].result = 0, 19, /= -1 EAGAIN, got 0$/],
  ["socket that fails", ({ calls }) => calls[0].result = -24, 3, /= 3, got -1 EMFILE$/],
  ["result of a blocking call", ({ calls }) => calls[7].result = 499, 20, /read\(4, \.\.\., 1000\) = 500, got 499$/],
  [
    "time of a blocking call",
    ({ calls }) => calls[7].returnsAt = 0.7,
    20,
    /to return at time 0.600000 \+\/- .*, got 0.700000$/,
  ],
  ["blocking call that never returns", ({ calls }) => calls[7].returnsAt = 9, 20, /= 500, got a call that blocks$/],
  ["call that should return at once", ({ calls }) => calls[5].returnsAt = 99, 13, /= 1900, got a call that blocks$/],
  ["option's value", ({ calls }) => calls[8].value = 104, 21, /with value 0, got value 104$/],
  ["revents", ({ calls }) => calls[9].revents = [5], 22, /with revents\[0\] POLLOUT, got revents\[0\] 0x5$/],
  ["TCP_INFO", ({ infos }) => infos[0].tcpi_unacked = 1, 17, /expected tcpi_unacked == 0, got tcpi_unacked 1$/],
  [
    "TCP_INFO above a range",
    ({ infos }) => infos[0].tcpi_snd_cwnd = 12,
    18,
    /expected 9 <= tcpi_snd_cwnd <= 11, got tcpi_snd_cwnd 12$/,
  ],
];

for (const [what, alter, line, message] of ALTERATIONS) {
  test(`runner: refuses the stream with another ${what}`, async () => {
    const stream = recording();
    alter(stream);
    const report = await play(stream);
    assert.equal(report.outcome, "failed");
    assert.match(report.message!, message);
    assert.equal(report.message!.split(": ", 1)[0], `a.pkt:${line}`);
  });
}

/** What a script leaves open may differ. */
const FREEDOMS: [string, (stream: Recording) => void][] = [
  ["a window that is not given", ({ packets }) => packets[3].win = 99],
  ["options behind <...>", ({ packets }) => packets[4].options = []],
  ["the time of *", ({ packets }) => packets[5].at = packets[6].at = 1.4],
  ["a time within tolerance", ({ packets }) => packets[3].at = 0.2039],
  ["the echoed timestamp", ({ packets }) => packets[3].options[2] = ts(5400, 77)],
  ["PSH within a burst", ({ packets }) => packets[1].flags = "P."],
  ["the window within a burst", ({ packets }) => packets[1].win = 99],
  ["how a burst is cut", ({ packets }) => {
    packets[1].length = 950;
    Object.assign(packets[2], { seq: at(951), length: 950 });
  }],
  ["one segment for a burst", ({ packets }) => {
    packets[2] = { ...packets[2], seq: at(1), length: 1900 };
    packets.splice(1, 1);
  }],
  ["descriptors", ({ calls }) => calls[0].result = 30],
  ["ISN", ({ packets }) => packets.forEach((packet) => packet.seq = (packet.seq + 12345) >>> 0)],
  ["the local clock", ({ packets }) =>
    packets.forEach(({ options }) =>
      options.forEach((option, index) => {
        if (option.kind === "TS") options[index] = ts(option.val + 777, option.ecr);
      })
    )],
];

for (const [what, alter] of FREEDOMS) {
  test(`runner: leaves open ${what}`, async () => {
    const stream = recording();
    alter(stream);
    assert.equal((await play(stream)).message, undefined);
  });
}

test("runner: with --strict_segments a burst is not summed up", async () => {
  const report = await play(recording(), SCRIPT.replace("--tcp_ts_tick", "--strict_segments --tcp_ts_tick"));
  assert.match(report.message!, /^a\.pkt:14: expected length 1900, got length 1000 /);
});

test("runner: without the strict end what comes last is left open", async () => {
  const stream = recording();
  stream.packets.push({ ...stream.packets[7] });
  const report = await drill("a.pkt", SCRIPT, () => Promise.resolve(new ReplayHost(stream)));
  assert.equal(report.outcome, "passed");
});
