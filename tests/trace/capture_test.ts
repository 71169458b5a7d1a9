/** Captures of whole runs, read by our own strict reader; `tshark_engine_test.ts` has Wireshark read them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunResult, type Scenario, simulate, Simulation } from "../../src/mod.ts";
import { internetChecksum, readU16 } from "../wire/oracle.ts";
import { type PcapngFile, readPcapng } from "./pcapng_reader.ts";
import { concat } from "./records.ts";

const SCENARIO: Scenario = {
  name: "captured",
  seed: "7",
  // All is over by then: no packet is still on its way
  duration: "4s",
  topology: {
    kind: "dumbbell",
    bottleneck: { rate: "20Mbps", delay: "5ms", queue: { kind: "droptail", limit: "20pkt" } },
    access: { rate: "100Mbps", delay: "1ms" },
  },
  flows: [{ count: 4, stagger: "10ms", bytes: "1MB" }, { count: 1, from: "right", bytes: "100KiB" }],
};

async function captured(scenario: Scenario): Promise<{ result: RunResult; bytes: Uint8Array; file: PcapngFile }> {
  const chunks: Uint8Array[] = [];
  const result = await simulate(scenario, { capture: (chunk) => chunks.push(chunk) });
  const bytes = concat(chunks);
  return { result, bytes, file: readPcapng(bytes) };
}

test("capture: holds every packet that left the bottleneck, and those that came from there, in order of time", async () => {
  const { result, file } = await captured(SCENARIO);
  assert.deepEqual(file.interfaces.map(({ name }) => name), ["bottleneck"]);
  assert.match(file.section.application ?? "", /^cwnd \d+\.\d+\.\d+$/);
  assert.match(file.section.comment ?? "", /captured.*7/);

  const packets = result.links.reduce((sum, link) => sum + link.packets, 0);
  const bytes = result.links.reduce((sum, link) => sum + link.bytes, 0);
  assert.ok(result.links[0].drops.overflow > 0, "nothing was dropped");
  assert.equal(file.packets.length, packets);
  assert.equal(file.packets.reduce((sum, { originalLength }) => sum + originalLength, 0), bytes);
  file.packets.reduce((before, { time }) => {
    assert.ok(time >= before, `${time} after ${before}`);
    return time;
  }, 0n);
});

test("capture: packets are whole headers with good IPv4 checksums and the lengths they were sent with", async () => {
  for (const { data, originalLength } of (await captured(SCENARIO)).file.packets) {
    assert.equal(internetChecksum(data, 0, 20), 0);
    assert.equal(readU16(data, 2), originalLength);
    assert.equal(data.length, 20 + (data[32] >> 4) * 4);
  }
});

test("capture: consecutive packets leave the bottleneck at its rate, none before the one in front has left", async () => {
  const { file } = await captured(SCENARIO);
  const left = file.packets.filter(({ data }) => data[13] < 128); // from a host in 10.0.0.0/9
  assert.ok(left.length > 1000);
  left.slice(1).forEach(({ time }, i) => {
    const gap_ns = Number(time - left[i].time);
    const sending_ns = left[i].originalLength * 8 / 20e6 * 1e9;
    assert.ok(
      gap_ns >= Math.floor(sending_ns),
      `packet ${i + 1}: ${gap_ns} ns after the one before, ${sending_ns} needed`,
    );
  });
});

test("capture: the same run gives the same file, in one go or in steps, and is the run without a capture", async () => {
  const whole = await captured(SCENARIO);
  assert.deepEqual((await captured(SCENARIO)).bytes, whole.bytes);
  assert.equal((await simulate(SCENARIO)).digest, whole.result.digest);

  const chunks: Uint8Array[] = [];
  const simulation = await Simulation.create(SCENARIO, { capture: (chunk) => chunks.push(chunk) });
  for (let ms = 1; ms <= 4000; ms += 1) await simulation.runUntil(`${ms}ms`);
  assert.equal(simulation.digest, whole.result.digest);
  simulation.close();
  assert.deepEqual(concat(chunks), whole.bytes);
});

test("capture: several links are several interfaces, and a host's own link sees what the bottleneck then drops", async () => {
  const { result, file } = await captured({ ...SCENARIO, record: { capture: ["left0", "bottleneck"] } });
  assert.deepEqual(file.interfaces.map(({ name }) => name), ["left0", "bottleneck"]);
  const fromHost0 = file.packets.filter(({ data }) => data.subarray(12, 16).join() === "10,0,0,1");
  const atHost = fromHost0.filter((packet) => packet.interface === 0).length;
  const atBottleneck = fromHost0.filter((packet) => packet.interface === 1).length;
  assert.equal(atHost, result.flows[0].segments_sent);
  assert.ok(atBottleneck < atHost, "the bottleneck dropped nothing of flow 0");
});
