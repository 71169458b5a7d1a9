import assert from "node:assert/strict";
import { test } from "node:test";
import { PcapngWriter } from "../../src/trace/pcapng.ts";
import { Codec } from "../wire/codec.ts";
import { SYN, type TcpPacket } from "../wire/oracle.ts";
import { randomPacket } from "../wire/packets.ts";
import { Random, testSeed } from "../wire/random.ts";
import { captureRecord, concat } from "./records.ts";
import { needsTshark, tshark } from "./tshark.ts";

const FIELDS: [field: string, expected: (packet: TcpPacket) => string | number | undefined][] = [
  ["ip.src", ({ srcAddr }) => dotted(srcAddr)],
  ["ip.dst", ({ dstAddr }) => dotted(dstAddr)],
  ["ip.id", ({ id }) => `0x${id.toString(16).padStart(4, "0")}`],
  ["ip.dsfield", ({ tos }) => `0x${tos.toString(16).padStart(2, "0")}`],
  ["ip.ttl", () => 64],
  ["ip.flags.df", () => 1],
  ["ip.checksum.status", () => 1], // good
  ["tcp.checksum.status", () => 1],
  ["tcp.srcport", ({ srcPort }) => srcPort],
  ["tcp.dstport", ({ dstPort }) => dstPort],
  ["tcp.seq_raw", ({ seq }) => seq],
  ["tcp.ack_raw", ({ ack }) => ack],
  ["tcp.flags", ({ flags, ae }) => `0x${((ae ? 256 : 0) | flags).toString(16).padStart(4, "0")}`],
  ["tcp.window_size_value", ({ wnd }) => wnd],
  ["tcp.urgent_pointer", ({ urgent }) => urgent],
  ["tcp.len", ({ payload }) => payload.length],
  ["tcp.options.mss_val", ({ mss }) => mss],
  ["tcp.options.wscale.shift", ({ windowScale }) => windowScale],
  ["tcp.options.sack_perm", ({ sackPermitted }) => sackPermitted ? "0402" : undefined],
  ["tcp.options.timestamp.tsval", ({ timestamps }) => timestamps?.tsval],
  ["tcp.options.timestamp.tsecr", ({ timestamps }) => timestamps?.tsecr],
  ["tcp.options.sack.count", ({ sack }) => sack?.length],
  ["_ws.malformed", () => undefined],
];

/** On ports that no protocol is registered for, so that tshark does not look into the payload. */
function randomPackets(count: number): TcpPacket[] {
  const random = new Random(testSeed());
  return Array.from({ length: count }, () => ({
    ...randomPacket(random),
    srcPort: random.between(49152, 65535),
    dstPort: random.between(49152, 65535),
  }));
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => address >>> shift & 0xff).join(".");
}

function capture(packets: { data: Uint8Array; originalLength: number }[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const pcapng = new PcapngWriter((chunk) => chunks.push(chunk), { interfaces: ["link"], application: "cwnd" });
  pcapng.write(concat(packets.map((packet, i) => captureRecord({ ...packet, time: BigInt(i) }))), 0n);
  pcapng.close();
  return concat(chunks);
}

test("tshark: reads every field of random segments as they were encoded", needsTshark(), async () => {
  const codec = await Codec.load();
  const packets = randomPackets(1000);
  const file = capture(packets.map((packet) => {
    const data = codec.encode(packet);
    return { data, originalLength: data.length };
  }));
  const rows = tshark(file, FIELDS.map(([field]) => field));
  assert.equal(rows.length, packets.length);
  rows.forEach((row, i) => {
    const expected = FIELDS.map(([, of]) => String(of(packets[i]) ?? ""));
    // Bytes stand with or without colons between them, as the version of tshark likes
    FIELDS.forEach(([field], k) =>
      assert.equal(row[k].replaceAll(":", ""), expected[k], `${field} of packet ${i}, seed ${testSeed()}`)
    );
  });
});

test("tshark: sees a corrupted segment's checksum as bad, and times to the nanosecond", needsTshark(), async () => {
  const codec = await Codec.load();
  const packet = { ...randomPackets(1)[0], payload: new Uint8Array(100) };
  const good = codec.encode(packet, { virtual: true });
  const bad = codec.encode(packet, { virtual: true, corrupted: true });
  const rows = tshark(
    capture([good, bad].map((data) => ({ data, originalLength: data.length }))),
    ["tcp.checksum.status", "frame.time_epoch", "frame.interface_name"],
  );
  assert.deepEqual(rows, [["1", "0.000000000", "link"], ["0", "0.000000001", "link"]]);
});

test("tshark: reads packets that were cut after their headers", needsTshark(), async () => {
  const codec = await Codec.load();
  const packets = randomPackets(100);
  const file = capture(packets.map((packet) => ({
    data: codec.encode(packet, { snaplen: 0, virtual: true }),
    originalLength: codec.length(packet),
  })));
  const rows = tshark(file, ["frame.len", "tcp.len", "tcp.flags.syn", "_ws.malformed"]);
  assert.deepEqual(
    rows,
    packets.map((packet) => [codec.length(packet), packet.payload.length, packet.flags & SYN ? 1 : 0, ""].map(String)),
  );
});
