/** What becomes of the numbers of injected packets: sequence numbers, timestamps, ports, addresses, ICMP's quotation. */
import assert from "node:assert/strict";
import test from "node:test";
import { drill } from "../../src/packetdrill/drill.ts";
import type { TcpOption } from "../../src/packetdrill/syntax.ts";
import { type RecordedPacket, type Recording, ReplayHost } from "./replay.ts";

const ISN = 4_000_000_000;
const NOPS: TcpOption[] = [{ kind: "nop" }, { kind: "nop" }];

function ts(val: number, ecr: number): TcpOption {
  return { kind: "TS", val, ecr };
}

function packet(change: Partial<RecordedPacket>): RecordedPacket {
  return { at: 0, flags: ".", seq: ISN + 1, length: 0, ack: 1, win: 100, options: [], ...change };
}

const CONNECT: Recording["calls"] = [{ call: "socket", result: 5 }, { call: "connect", result: -115 }];
const HEAD = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 100:100(0) <mss 1460,nop,nop,sackOK,TS val 7 ecr 0,nop,nop>
`;
const SYN = packet({
  flags: "S",
  seq: ISN + 100,
  ack: 0,
  localPort: 40_000,
  remotePort: 8080,
  options: [{ kind: "mss", value: 1460 }, ...NOPS, { kind: "sackOK" }, ts(9_000_007, 0), ...NOPS],
});

async function played(script: string, recording: Partial<Recording>, ip: "v4" | "v6" = "v4"): Promise<ReplayHost> {
  const host = new ReplayHost({ packets: [SYN], calls: CONNECT, infos: [], ...recording }, ip);
  const report = await drill("a.pkt", script, () => Promise.resolve(host));
  assert.equal(report.message, undefined);
  return host;
}

test("inbound: ACK, SACK and the echoed timestamp are live, the own sequence number stays", async () => {
  const { injected: [{ segment }] } = await played(
    `${HEAD}+.1 < S. 50:50(0) ack 101 win 9 <mss 1000,nop,nop,TS val 33 ecr 7,nop,nop,sack 201:301>`,
    {},
  );
  assert.ok(typeof segment !== "string");
  assert.deepEqual([segment.seq, segment.ack, segment.win], [50, (ISN + 101) >>> 0, 9]);
  assert.deepEqual(segment.options.slice(3), [
    ts(33, 9_000_007),
    ...NOPS,
    { kind: "sack", blocks: [[(ISN + 201) >>> 0, (ISN + 301) >>> 0]] },
  ]);
  assert.deepEqual([segment.srcPort, segment.dstPort], [8080, 40_000]);
  assert.deepEqual([segment.faults, segment.ip.ttl], [[], 255]);
});

test("inbound: an echoed timestamp that no packet has carried fails the script", async () => {
  const host = new ReplayHost({ packets: [SYN], calls: CONNECT, infos: [] });
  const script = `${HEAD}+.1 < S. 0:0(0) ack 101 win 9 <nop,nop,TS val 33 ecr 8>`;
  const report = await drill("a.pkt", script, () => Promise.resolve(host));
  assert.equal(report.message, "a.pkt:4: expected a packet sent before with TS val ecr 8, got none");
});

test("inbound: IP info, urgent pointer and ACE bits reach the wire", async () => {
  const { injected: [{ segment, bytes }] } = await played(
    `${HEAD}+.1 < [tos 0x20, ce, ttl 3] U6. 1:3(2) ack 101 win 9 urg 2`,
    {},
  );
  assert.ok(typeof segment !== "string");
  assert.deepEqual([segment.ip.tos, segment.ip.ttl, segment.urg, segment.flags], [0x23, 3, 2, 0x1b0]);
  assert.equal(bytes.length, 42);
});

test("inbound: ICMP quotes the live sequence number and both ports", async () => {
  const { injected: [{ bytes }] } = await played(
    `${HEAD}+.1 < icmp unreachable frag_needed mtu 1200 [101:1561(1460)]`,
    {},
  );
  const view = new DataView(bytes.buffer);
  assert.deepEqual([bytes[9], bytes[20], bytes[21], view.getUint16(26)], [1, 3, 4, 1200]);
  assert.deepEqual([view.getUint16(48), view.getUint16(50), view.getUint32(52)], [40_000, 8080, (ISN + 101) >>> 0]);
  assert.equal(bytes.length, 56);
});

test("IPv6: addresses, lengths and checksums are its own", async () => {
  const { injected: [{ segment, bytes }] } = await played(
    `--ip_version=ipv6\n${HEAD}+.1 < S. 0:0(0) ack 101 win 9`,
    {},
    "v6",
  );
  assert.ok(typeof segment !== "string");
  assert.deepEqual([bytes[0] >> 4, bytes.length, segment.faults], [6, 60, []]);
});

test("several connections: packets of an earlier one are passed over", async () => {
  const second = { ...SYN, at: 1, seq: 777, localPort: 40_001 };
  const old = packet({ at: 1, flags: "F.", seq: ISN + 101, localPort: 40_000, remotePort: 8080 });
  await played(
    `${HEAD}+.1 < S. 0:0(0) ack 101 win 9
+.9 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+0 < S. 0:0(0) ack 1 win 9`,
    { packets: [SYN, old, second], calls: [...CONNECT, { call: "socket", result: 6 }, CONNECT[1]] },
  );
});

test("restart: after a SYN into an old connection the local ISN may be a new one", async () => {
  const syn = { flags: "S.", ack: 1 };
  await played(
    `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+.1 < S 0:0(0) win 9
+0 > S. 0:0(0) ack 1
+.1 < . 1:1(0) ack 1 win 9
+0 > F. 1:1(0) ack 1
+.1 < S 0:0(0) win 9
+0 > S. 0:0(0) ack 1`,
    {
      packets: [
        packet({ ...syn, at: 0.1, seq: 5 }),
        packet({ at: 0.2, flags: "F.", seq: 6 }),
        packet({ ...syn, at: 0.3, seq: 70_000 }),
      ],
      calls: [CONNECT[0], { call: "bind", result: 0 }, { call: "listen", result: 0 }],
    },
  );
});
