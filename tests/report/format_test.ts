import assert from "node:assert/strict";
import test from "node:test";
import { count, digits, mebibytes, milliseconds, percent, prefixFor, rate, seconds } from "../../src/report/format.ts";

test("digits: three significant ones, never an exponent", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.00123, "0.00123"],
    [1, "1.00"],
    [12.34, "12.3"],
    [123.4, "123"],
    [
      1234.5,
      "1235",
    ],
    [1e-9, "0.000000"],
    [-2.5, "-2.50"],
    [NaN, "-"],
  ];
  for (const [value, text] of cases) assert.equal(digits(value), text);
});

test("count: exact while short, with a prefix above", () => {
  assert.equal(count(0), "0");
  assert.equal(count(9999), "9999");
  assert.equal(count(12_345), "12.3 k");
  assert.equal(count(4_012_345), "4.01 M");
});

test("prefixFor: stops at the ends of the list", () => {
  assert.deepEqual(prefixFor(0), { factor: 1, prefix: "" });
  assert.deepEqual(prefixFor(0.01), { factor: 1, prefix: "" });
  assert.deepEqual(prefixFor(1e18), { factor: 1e12, prefix: "T" });
});

test("units: each quantity reads as people write it", () => {
  assert.equal(rate(9.864e6), "9.86 Mbit/s");
  assert.equal(rate(1e9), "1.00 Gbit/s");
  assert.equal(milliseconds(25.31), "25.3 ms");
  assert.equal(milliseconds(1234), "1.23 s");
  assert.equal(milliseconds(null), "-");
  assert.equal(seconds(10), "10 s");
  assert.equal(seconds(0.312), "0.312 s");
  assert.equal(percent(0.9812), "98.1 %");
  assert.equal(percent(NaN), "-");
  assert.equal(mebibytes(12_345_678), "11.8 MiB");
});

test("digits: a value that rounds up to the next power of ten loses a decimal", () => {
  assert.equal(digits(0.99985), "1.00");
  assert.equal(digits(9.999), "10.0");
  assert.equal(digits(99.97), "100");
  assert.equal(rate(999.9e6), "1.00 Gbit/s");
  assert.equal(count(999_999), "1.00 M");
});
