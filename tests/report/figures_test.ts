import assert from "node:assert/strict";
import test from "node:test";
import { figuresOf } from "../../src/report/figures.ts";
import { cwndFigure } from "../../src/report/figures/cwnd.ts";
import { queueFigure } from "../../src/report/figures/queue.ts";
import { makeResult } from "./fixture.ts";
import { matchGolden } from "./golden.ts";

const few = makeResult([["cubic", 2], ["reno", 2]]);
const crowd = makeResult([["cubic", 60], ["reno", 40]], 41);

function figure(name: string, result = few): string {
  const found = figuresOf(result).find((each) => each.name === name);
  assert.ok(found, `no figure ${name}`);
  return found.svg;
}

function faintPaths(svg: string): string[] {
  return svg.match(/<path d="M[^"]*" stroke="#\w+" stroke-opacity="0\.\d\d"\/>/g) ?? [];
}

for (const name of ["cwnd", "throughput", "rtt", "queue"]) {
  test(`figures: ${name} of few flows is drawn as last reviewed`, () => matchGolden(`${name}-few.svg`, figure(name)));
}

test("figures: cwnd of a hundred flows is drawn as last reviewed", () => {
  matchGolden("cwnd-crowd.svg", figure("cwnd", crowd));
});

test("figures: few flows have a line and a name each", () => {
  const svg = figure("cwnd");
  for (const name of ["cubic 0", "cubic 1", "reno 2", "reno 3"]) assert.ok(svg.includes(`>${name}</text>`), name);
  assert.equal(faintPaths(svg).length, 0);
});

test("figures: many flows have a faint line each and a mean a group", () => {
  const svg = figure("throughput", crowd);
  assert.equal(faintPaths(svg).length, 100);
  assert.ok(svg.includes(">cubic, mean of 60</text>"));
  assert.ok(svg.includes(">reno, mean of 40</text>"));
});

test("figures: a thousand flows draw two hundred lines, shared by the groups, and say so", () => {
  const svg = figure("cwnd", makeResult([["cubic", 900], ["reno", 100]], 21));
  const lines = faintPaths(svg);
  assert.equal(lines.length, 200);
  assert.equal(lines.filter((line) => line.includes("#2f5fd0")).length, 180);
  assert.ok(svg.includes(">200 of 1000 flows</text>"));
});

test("figures: what is above the axis is said and cut off", () => {
  const result = makeResult([["cubic", 100]]);
  result.series.flows[50].cwnd![3] = 1e6;
  const svg = figure("cwnd", result);
  assert.ok(svg.includes("(the highest, 1000000, is above the axis)"));
  assert.ok(svg.includes('<g clip-path="url(#plot)"'));
  assert.ok(!svg.includes(">1,000,000</text>"));
});

test("figures: a link without a queue is left out beside one with", () => {
  const result = makeResult([["cubic", 1]]);
  result.series.links.quiet = { queue_packets: new Float64Array(101).fill(1) };
  assert.ok(!figure("queue", result).includes("quiet"));
  delete result.series.links.bottleneck;
  assert.ok(figure("queue", result).includes("quiet"));
});

test("figures: long series are thinned, so that a file stays below half a megabyte", () => {
  for (const { name, svg } of figuresOf(makeResult([["cubic", 200]], 5000))) assert.ok(svg.length < 500_000, name);
});

test("figures: a sample without a value interrupts the line", () => {
  const time_s = Float64Array.of(0, 1, 2, 3, 4);
  const values = Float64Array.of(1, 2, NaN, 2, 1);
  const svg = cwndFigure({ title: "gap", time_s, lines: [{ name: "a", group: "a", values }] });
  const path = svg.match(/<path d="([^"]*)" stroke="#2f5fd0" stroke-width="2"\/>/)![1];
  assert.equal(path.match(/M/g)!.length, 2);
  assert.ok(!svg.includes("NaN"));
});

test("figures: axes without any value still draw", () => {
  const time_s = Float64Array.of(0);
  const svg = cwndFigure({ title: "", time_s, lines: [{ name: "a", group: "a", values: Float64Array.of(NaN) }] });
  assert.ok(!/NaN|Infinity|undefined/.test(svg));
});

test("figures: names cannot break out of the markup", () => {
  const result = makeResult([["a<b>&\"c'", 1]]);
  result.name = "</svg><script>";
  const svg = figure("cwnd", result);
  assert.ok(svg.includes("a&lt;b&gt;&amp;&quot;c'"));
  assert.ok(!svg.includes("<script>"));
});

test("figures: what was not recorded has no figure", () => {
  const result = makeResult([["cubic", 1]]);
  delete result.series.flows[0].srtt_ms;
  assert.deepEqual(figuresOf(result).map((each) => each.name), ["cwnd", "throughput", "queue"]);
  result.series = { time_s: new Float64Array(), flows: {}, links: {} };
  assert.deepEqual(figuresOf(result), []);
});

test("figures: the fullest six of many links are drawn", () => {
  const time_s = Float64Array.of(0, 1);
  const lines = Array.from({ length: 9 }, (_, i) => ({
    name: `link ${i}`,
    group: `link ${i}`,
    values: Float64Array.of(0, 9 - i),
  }));
  const svg = queueFigure({ title: "links", time_s, lines });
  assert.equal(svg.match(/stroke-width="2"\/>/g)!.length, 6);
  assert.ok(!svg.includes("link 6"));
});
