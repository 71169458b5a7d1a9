import assert from "node:assert/strict";
import { test } from "node:test";
import { PcapngWriter } from "../../src/trace/pcapng.ts";
import { readPcapng } from "./pcapng_reader.ts";
import { captureRecord, concat } from "./records.ts";

const OPTIONS = {
  interfaces: ["bottleneck", "access:left:0"],
  application: "cwnd 0.1.0",
  os: "simulation",
  hardware: "WebAssembly",
  comment: "seed 1 – ü",
};

function writer(): { pcapng: PcapngWriter; chunks: Uint8Array[]; read: () => ReturnType<typeof readPcapng> } {
  const chunks: Uint8Array[] = [];
  const pcapng = new PcapngWriter((chunk) => chunks.push(chunk), OPTIONS);
  return { pcapng, chunks, read: () => readPcapng(concat(chunks)) };
}

test("pcapng: a file without packets names its section and its interfaces", () => {
  const { pcapng, read } = writer();
  pcapng.close();
  const file = read();
  assert.deepEqual(file.section, {
    version: "1.0",
    comment: OPTIONS.comment,
    hardware: OPTIONS.hardware,
    os: OPTIONS.os,
    application: OPTIONS.application,
  });
  assert.deepEqual(file.interfaces, [
    { name: "bottleneck", linkType: 101, snaplen: 0, ticksPerSecond: 1e9 },
    { name: "access:left:0", linkType: 101, snaplen: 0, ticksPerSecond: 1e9 },
  ]);
  assert.deepEqual(file.packets, []);
});

test("pcapng: options that are not given are left out", () => {
  const chunks: Uint8Array[] = [];
  new PcapngWriter((chunk) => chunks.push(chunk), { interfaces: [] }).close();
  assert.deepEqual(readPcapng(concat(chunks)), { section: { version: "1.0" }, interfaces: [], packets: [] });
});

test("pcapng: packets of every length keep their bytes, link, original length and nanosecond", () => {
  const { pcapng, read } = writer();
  const packets = Array.from({ length: 40 }, (_, i) => ({
    time: 0x1_2345_6789n * BigInt(i), // beyond 32 bits from the first on
    interface: i % 2,
    data: Uint8Array.from({ length: i }, (_, k) => i + k),
    originalLength: i + 1000,
  }));
  pcapng.write(concat(packets.map(captureRecord)), packets[39].time);
  pcapng.close();
  assert.deepEqual(read().packets, packets);
});

test("pcapng: packets leave in order of time, and in order of arrival within one instant", () => {
  const { pcapng, read } = writer();
  const times = [5n, 1n, 3n, 1n, 1n << 33n, 3n, 4n];
  pcapng.write(concat(times.map((time, i) => captureRecord({ time, data: Uint8Array.of(i) }))), 1n << 34n);
  pcapng.close();
  assert.deepEqual(read().packets.map(({ data }) => data[0]), [1, 3, 2, 5, 6, 0, 4]);
});

test("pcapng: packets of one instant leave by interface, then by sender, in whichever order they were recorded", () => {
  const from = (host: number, k: number): Uint8Array => Uint8Array.of(...new Uint8Array(12), 10, 0, 0, host, k);
  const packets = [[1, 1, 0], [0, 2, 1], [0, 1, 2], [0, 2, 3], [0, 1, 4]].map(([number, host, k]) =>
    captureRecord({ time: 7n, interface: number, data: from(host, k) })
  );
  for (const recorded of [packets, [3, 2, 4, 0, 1].map((i) => packets[i])]) {
    const { pcapng, read } = writer();
    pcapng.write(concat(recorded), 7n);
    pcapng.close();
    const seen = read().packets.map((packet) => [packet.interface, packet.data[15], packet.data[16]]);
    assert.deepEqual(seen.map(([number, host]) => [number, host]), [[0, 1], [0, 1], [0, 2], [0, 2], [1, 1]]);
    // What one sends at one instant stays in order
    assert.deepEqual(seen.map(([, , k]) => k), recorded === packets ? [2, 4, 1, 3, 0] : [2, 4, 3, 1, 0]);
  }
});

test("pcapng: a packet that is ahead of the clock waits for those that come before it", () => {
  const { pcapng, read } = writer();
  pcapng.write(concat([captureRecord({ time: 10n }), captureRecord({ time: 30n }), captureRecord({ time: 20n })]), 10n);
  pcapng.write(captureRecord({ time: 15n }), 20n);
  pcapng.write(captureRecord({ time: 25n }), 25n);
  pcapng.close();
  assert.deepEqual(read().packets.map(({ time }) => time), [10n, 15n, 20n, 25n, 30n]);
});

test("pcapng: packets up to the clock are emitted, those ahead of it held, across the carry of the time's low word", () => {
  const { pcapng, chunks, read } = writer();
  const data = new Uint8Array(64 * 1024); // each packet fills a chunk, so the one before it is emitted
  const carry = 1n << 32n;
  const record = (time: bigint): Uint8Array => captureRecord({ time, data });
  pcapng.write(concat([record(carry - 1n), record(carry), record(carry + 1n)]), carry);
  assert.deepEqual(read().packets.map(({ time }) => time), [carry - 1n]);
  pcapng.write(new Uint8Array(0), 3n * carry);
  assert.deepEqual(read().packets.map(({ time }) => time), [carry - 1n, carry]);
  pcapng.close();
  assert.equal(read().packets.length, 3);
  assert.ok(chunks.length >= 3);
});

test("pcapng: the caller may reuse its buffer, and chunks given out are never written again", () => {
  const { pcapng, chunks, read } = writer();
  const record = captureRecord({ time: 1n, data: new Uint8Array(1000).fill(7) });
  const buffer = record.slice();
  const seen: { chunk: Uint8Array; copy: Uint8Array }[] = [];
  for (let i = 0; i < 300; i++) {
    buffer.set(record);
    pcapng.write(buffer, 0n);
    buffer.fill(0);
    if (i % 50 === 0) pcapng.write(new Uint8Array(0), 1n);
    for (const chunk of chunks.slice(seen.length)) seen.push({ chunk, copy: chunk.slice() });
  }
  pcapng.close();
  const { packets } = read();
  assert.equal(packets.length, 300);
  assert.ok(packets.every(({ data }) => data.every((byte) => byte === 7)));
  assert.ok(seen.length > 2);
  for (const { chunk, copy } of seen) assert.deepEqual(chunk, copy);
});
