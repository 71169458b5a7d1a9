/** Links: serialisation to the nanosecond, delay, overhead, both directions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Link, PathLink, Scenario } from "../../src/mod.ts";
import { runCaptured, type SeenPacket } from "./packets.ts";
import { BEHIND, MSS, overLink, throughLink, US_PER_BYTE } from "./paths.ts";

const PACKETS = 1000;

/** When each packet began to leave, from the first one's, while the link was never idle: acknowledgments come faster. */
async function departures(link: Link): Promise<number[]> {
  const { packets } = await runCaptured(
    overLink({ ...link, delay: "1us" }, [{ bytes: PACKETS * MSS }], { tcp: { initialWindow: 40, delayedAck: false } }),
  );
  const data = packets.filter(({ forth, len }) => forth && len > 0);
  assert.equal(data.length, PACKETS);
  return data.map(({ time_ns }) => time_ns - data[0].time_ns);
}

test("link: packets leave at the link's rate, to the nanosecond, without drift", async () => {
  for (const [rate_bps, packet_ns] of [[8e6, 1_500_000], [1e9, 12_000], [8e9, 1500]]) {
    const expected = Array.from({ length: PACKETS }, (_, k) => k * packet_ns);
    assert.deepEqual(await departures({ ...US_PER_BYTE, rate: rate_bps }), expected, `${rate_bps} bit/s`);
  }
});

test("link: where a packet takes a fraction of a nanosecond more, a thousand of them are exact to one", async () => {
  for (const rate_bps of [7e6, 33.3e6, 999_999_937, 40e9]) {
    (await departures({ ...US_PER_BYTE, rate: rate_bps })).forEach((time_ns, k) => {
      const exact = k * 1500 * 8e9 / rate_bps;
      assert.ok(Math.abs(time_ns - exact) <= 2, `${rate_bps} bit/s: packet ${k} at ${time_ns} ns, not ${exact}`);
    });
  }
});

test("link: bytes that the link layer adds take their time and count as bytes", async () => {
  const times = await departures({ ...US_PER_BYTE, overhead: "38B" });
  assert.deepEqual(times.slice(0, 3), [0, 1_538_000, 3_076_000]);
});

test("link: a packet arrives after its serialisation and the delay, on its way there and back", async () => {
  const link: Link = { ...US_PER_BYTE, delay: "10ms", reverse: { rate: "4Mbps", delay: "25ms" } };
  const { packets } = await runCaptured(throughLink(link, [{ bytes: 1 }]));
  const [syn, synAck] = ["link", "behind"].map((name) => packets.filter((packet) => packet.link === name && packet.syn))
    .reduce((here, there) =>
      here.map((packet, k) => there[k].time_ns - packet.time_ns) as never
    ) as unknown as number[];
  assert.equal(syn, 60_000 + 10_000_000);
  // Seen at "behind" when it has come over that link, and at "link" after 2 us a byte and 25 ms
  assert.equal(-synAck, 60 * 2000 + 25_000_000);
});

test("link: a path of several is as slow as the sum of their delays and the slowest of their rates", async () => {
  const links: PathLink[] = [
    { name: "a", rate: "1Gbps", delay: "3ms" },
    { name: "b", rate: "10Mbps", delay: "7ms" },
    { name: "c", rate: "100Mbps", delay: "11ms" },
  ];
  const { result } = await runCaptured({
    duration: "20s",
    topology: { kind: "path", links },
    flows: [{}],
    tcp: { receiveBuffer: "100KB" },
  });
  const [flow] = result.flows;
  // A SYN of 60 bytes over each link, there and back, is the quickest exchange but for the 52-byte one of an ACK
  const perByte_ns = 8 / 1 + 8e9 / 10e6 + 8e9 / 100e6;
  const quickest_ms = 2 * (21 + 60 * perByte_ns / 1e6);
  assert.ok(Math.abs(flow.min_rtt_ms - quickest_ms) < 0.002, `${flow.min_rtt_ms}, not ${quickest_ms}`);
  assert.ok(flow.throughput_bps < 10e6 && flow.throughput_bps > 9e6);
});

test("link: names of both directions are the link's, and its work is counted in the right one", async () => {
  const { result } = await runCaptured(overLink(US_PER_BYTE, [{ bytes: 10 * MSS }]));
  assert.deepEqual(result.links.map(({ id }) => id), ["link", "link:reverse"]);
  assert.ok(result.links[0].bytes > 10 * 1500 && result.links[1].bytes < 1500);
});

test("link: nothing overtakes on a link, and what goes in comes out", async () => {
  const scenario: Scenario = throughLink(US_PER_BYTE, [{ count: 5, bytes: "100KB", stagger: "3ms" }]);
  const { packets } = await runCaptured(scenario);
  const at = (link: string): SeenPacket[] => packets.filter((packet) => packet.forth && packet.link === link);
  const key = ({ flow, seq, len, syn, fin, ack }: SeenPacket): string => [flow, seq, len, syn, fin, ack].join();
  assert.equal(BEHIND.name, "behind");
  assert.deepEqual(at("behind").map(key), at("link").map(key));
  assert.ok(at("link").length > 350);
});
