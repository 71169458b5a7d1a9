/** The drop-tail queue: what its limit means, to the packet and to the byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../../src/mod.ts";
import { overLink, US_PER_BYTE } from "./paths.ts";

/** A window of 20 full segments comes at once behind the handshake's ACK, which is being sent meanwhile. */
async function burstInto(limit: string | number): Promise<{ waiting: number; most: number; overflow: number }> {
  const simulation = await Simulation.create(
    overLink({ ...US_PER_BYTE, queue: { limit } }, [{ bytes: 20 * 1448 }], { tcp: { initialWindow: 20 } }),
  );
  // SYN and SYN-ACK take 60 us and 10 ms each; 1 us later nothing has left yet
  await simulation.runUntil("20.121ms");
  const link = simulation.links[0];
  const waiting = link.queuePackets;
  const { queue_packets_max, drops } = link.measure();
  simulation.close();
  return { waiting, most: queue_packets_max, overflow: drops.overflow };
}

test("droptail: a limit in packets counts those that wait, not the one being sent", async () => {
  assert.deepEqual(await burstInto("5pkt"), { waiting: 5, most: 5, overflow: 15 });
  assert.deepEqual(await burstInto("1pkt"), { waiting: 1, most: 1, overflow: 19 });
  assert.deepEqual(await burstInto("20pkt"), { waiting: 20, most: 20, overflow: 0 });
  assert.deepEqual(await burstInto("19pkt"), { waiting: 19, most: 19, overflow: 1 });
});

test("droptail: a limit in bytes takes a packet that fits to the byte", async () => {
  assert.deepEqual(await burstInto("7500B"), { waiting: 5, most: 5, overflow: 15 });
  assert.deepEqual(await burstInto("7499B"), { waiting: 4, most: 4, overflow: 16 });
  assert.deepEqual(await burstInto(30000), { waiting: 20, most: 20, overflow: 0 });
});

test("droptail: a limit in bandwidth-delay products is the rate times the base round-trip time", async () => {
  // 8 Mbit/s for 20 ms are 20000 bytes: 13 packets and a third
  assert.deepEqual(await burstInto("1bdp"), { waiting: 13, most: 13, overflow: 7 });
  assert.deepEqual(await burstInto("0.5bdp"), { waiting: 6, most: 6, overflow: 14 });
  // Less than a packet would let nothing wait at all
  assert.deepEqual(await burstInto("0.001bdp"), { waiting: 1, most: 1, overflow: 19 });
});

test("droptail: an unlimited queue drops nothing", async () => {
  assert.deepEqual(await burstInto("unlimited"), { waiting: 20, most: 20, overflow: 0 });
});

test("droptail: the bytes that the link layer adds fill the queue too", async () => {
  const simulation = await Simulation.create(
    overLink({ ...US_PER_BYTE, overhead: "100B", queue: { limit: "8000B" } }, [{ bytes: 20 * 1448 }], {
      tcp: { initialWindow: 20 },
    }),
  );
  await simulation.runUntil("20.4ms");
  assert.equal(simulation.links[0].queuePackets, 5);
  simulation.close();
});

test("droptail: a queue that a packet leaves has room for one again", async () => {
  const simulation = await Simulation.create(
    overLink({ ...US_PER_BYTE, queue: { limit: "5pkt" } }, [{ bytes: 20 * 1448 }], { tcp: { initialWindow: 20 } }),
  );
  // The ACK has left after 52 us, then a packet each 1500 us
  for (const [time, waiting] of [["20.171ms", 5], ["20.173ms", 4], ["21.671ms", 4], ["21.673ms", 3]] as const) {
    await simulation.runUntil(time);
    assert.equal(simulation.links[0].queuePackets, waiting, time);
  }
  simulation.close();
});
