import assert from "node:assert/strict";
import test from "node:test";
import { resultJsonChunks, resultToJson } from "../../src/results/json.ts";
import { makeResult } from "../report/fixture.ts";

/** The contract's names, top level and below, in its order. */
const KEYS = {
  run: "name seed version digest simulated_s wall_s events segments_delivered segments_per_wall_s memory_bytes flows " +
    "links aggregate series datagrams",
  flow: "id group cc start_s end_s fct_s state bytes_acked throughput_bps goodput_bps segments_sent retransmits rtos " +
    "tlps spurious_recoveries cwnd_mean cwnd_max srtt_ms min_rtt_ms rtt_ms_mean rtt_ms_max ce_marked end_reason",
  series: "time_s flows links",
};

test("resultToJson: has the contract's keys in the contract's order, then its own", () => {
  const document = JSON.parse(resultToJson(makeResult([["cubic", 2]])));
  assert.equal(Object.keys(document).join(" "), KEYS.run);
  assert.equal(Object.keys(document.flows[0]).join(" "), KEYS.flow);
  assert.equal(Object.keys(document.series).join(" "), KEYS.series);
});

test("resultToJson: typed columns become arrays and missing values null", () => {
  const result = makeResult([["cubic", 1]], 3);
  result.flows[0].srtt_ms = NaN;
  const document = JSON.parse(resultToJson(result));
  assert.deepEqual(document.series.time_s, [0, 5, 10]);
  assert.deepEqual(document.series.flows["0"].cwnd, [...result.series.flows[0].cwnd!]);
  assert.equal(document.series.flows["0"].srtt_ms[0], null);
  assert.equal(document.flows[0].srtt_ms, null);
});

test("resultToJson: agrees with JSON.stringify on everything but columns", () => {
  const result = makeResult([["cubic", 3], ["reno", 1]], 5);
  const { series: _, ...rest } = result;
  assert.equal(resultToJson(result, { series: false }), JSON.stringify(rest) + "\n");
});

test("resultToJson: no flows, links or series is still a document", () => {
  const result = makeResult([["cubic", 1]]);
  result.flows = [];
  result.links = [];
  result.series = { time_s: new Float64Array(), flows: {}, links: {} };
  const document = JSON.parse(resultToJson(result));
  assert.deepEqual([document.flows, document.links, document.series.flows], [[], [], {}]);
});

test("resultJsonChunks: no piece grows with the number of flows", () => {
  const longest = (flows: number): number =>
    Math.max(...[...resultJsonChunks(makeResult([["cubic", flows]], 11))].map((chunk) => chunk.length));
  assert.ok(longest(200) < longest(2) * 1.5);
});
