import assert from "node:assert/strict";
import { test } from "node:test";
import { median, ofSamples, spread, verdict } from "../../bench/lib/measurement.ts";
import { number, table } from "../../bench/lib/table.ts";

test("median: the middle of an odd number of samples, whatever their order", () => {
  assert.equal(median([9, 1, 5]), 5);
});

test("median: the mean of the middle two of an even number of samples", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test("median: leaves the samples in the order of the runs", () => {
  const samples = [3, 1, 2];
  assert.equal(ofSamples(samples, { name: "x", unit: "s" }).value, 2);
  assert.deepEqual(samples, [3, 1, 2]);
});

test("spread: distance of the extremes over the median", () => {
  assert.equal(spread([8, 10, 12]), 0.4);
});

test("verdict: says the best target reached, on the side that is good", () => {
  const rate = { name: "rate", unit: "", must: 0.5, aim: 0.8 };
  assert.equal(verdict({ ...rate, value: 0.8 }), "aim");
  assert.equal(verdict({ ...rate, value: 0.5 }), "must");
  assert.equal(verdict({ ...rate, value: 0.49 }), "missed");
  const time = { name: "time", unit: "ms", must: 50, aim: 20, better: "lower" as const };
  assert.equal(verdict({ ...time, value: 20 }), "aim");
  assert.equal(verdict({ ...time, value: 21 }), "must");
  assert.equal(verdict({ ...time, value: 51 }), "missed");
});

test("verdict: what could not be measured is missed, what nobody asked for is neither", () => {
  assert.equal(verdict({ name: "x", unit: "", value: null, must: 1 }), "missed");
  assert.equal(verdict({ name: "x", unit: "", value: 1 }), "-");
});

test("number: three significant digits and every digit before the point", () => {
  assert.equal(number(2345678.4), "2,345,678");
  assert.equal(number(12.345), "12.3");
  assert.equal(number(0.51239), "0.512");
  assert.equal(number(100), "100");
  assert.equal(number(1000), "1,000");
  assert.equal(number(0), "0");
});

test("table: one line a measurement, all of one width", () => {
  const lines = table([
    ofSamples([90, 100, 110], { name: "rate", unit: "segments/s", must: 50, aim: 200 }),
    { name: "absent one", value: null, unit: "", note: "not here" },
  ]).split("\n");
  assert.equal(new Set(lines.map((line) => line.length)).size, 1);
  assert.deepEqual(cells(lines[2]), ["rate", "100", "segments/s", "20 %", "50", "200", "must", ""]);
  assert.deepEqual(cells(lines[3]), ["absent one", "absent", "", "", "", "", "-", "not here"]);
});

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}
