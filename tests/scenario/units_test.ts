import assert from "node:assert/strict";
import { test } from "node:test";
import { formatQuantity, parseBytes, parseLimit, parseRate, parseTime } from "../../src/scenario/units.ts";

test("units: a rate without a unit is bits per second", () => {
  assert.equal(parseRate(1500), 1500);
  assert.equal(parseRate(1e9), parseRate("1Gbps"));
});

test("units: a time without a unit is seconds", () => {
  assert.equal(parseTime(20), 20e9);
  assert.equal(parseTime(0.02), parseTime("20ms"));
});

test("units: a size without a unit is bytes", () => {
  assert.equal(parseBytes(1500), 1500);
  assert.deepEqual(parseLimit(1500), { unit: "bytes", value: 1500 });
});

test("units: every unit has its size", () => {
  const rates = { "1bps": 1, "1kbps": 1e3, "1Mbps": 1e6, "1Gbps": 1e9, "1Tbps": 1e12 };
  for (const [text, value] of Object.entries(rates)) assert.equal(parseRate(text), value, text);
  const times = { "1ns": 1, "1us": 1e3, "1ms": 1e6, "1s": 1e9, "1min": 60e9, "1h": 3600e9 };
  for (const [text, value] of Object.entries(times)) assert.equal(parseTime(text), value, text);
  const sizes = { "1B": 1, "1KB": 1e3, "1KiB": 1024, "1MB": 1e6, "1MiB": 2 ** 20, "1GB": 1e9, "1GiB": 2 ** 30 };
  for (const [text, value] of Object.entries(sizes)) assert.equal(parseBytes(text), value, text);
});

test("units: a queue limit is packets, bytes or bandwidth-delay products", () => {
  assert.deepEqual(parseLimit("100pkt"), { unit: "packets", value: 100 });
  assert.deepEqual(parseLimit("64KiB"), { unit: "bytes", value: 65536 });
  assert.deepEqual(parseLimit("1.5bdp"), { unit: "bdp", value: 1.5 });
});

test("units: decimals are exact", () => {
  // Each of these is off by one unit or more when the decimal is multiplied in floating point and cut off.
  assert.equal(parseTime("0.1ms"), 100_000);
  assert.equal(parseTime("1.1s"), 1_100_000_000);
  assert.equal(parseTime("0.000000001s"), 1);
  assert.equal(parseTime("4.35us"), 4350);
  assert.equal(parseTime(1.005), 1_005_000_000);
  assert.equal(parseTime(1e-7), 100);
  assert.equal(parseTime("8639999.999999999s"), 8_639_999_999_999_999);
  assert.equal(parseRate("2.3Gbps"), 2_300_000_000);
  assert.equal(parseBytes("1.5KiB"), 1536);
});

test("units: thousands of random decimals come out as whole-number arithmetic has them", () => {
  for (let i = 0; i < 5000; i++) {
    const [whole, part] = [(i * 7919) % 100_000, (i * 104_729) % 1_000_000];
    const text = `${whole}.${String(part).padStart(6, "0")}`;
    assert.equal(parseTime(`${text}ms`), whole * 1e6 + part, text);
    assert.equal(parseRate(`${text}Mbps`), whole * 1e6 + part, text);
    assert.equal(parseTime(Number(text)), (whole * 1e6 + part) * 1000, text);
  }
});

test("units: exponents, signs and one space are understood", () => {
  assert.equal(parseRate("1e3kbps"), 1e6);
  assert.equal(parseTime("2.5e-3s"), 2_500_000);
  assert.equal(parseTime("+5ms"), 5_000_000);
  assert.equal(parseTime("-5ms"), -5_000_000);
  assert.equal(parseRate("100 Mbps"), 100e6);
});

test("units: what is no quantity is refused with what was found and what was expected", () => {
  const rate = `expected a rate such as "100Mbps" (bps, kbps, Mbps, Gbps or Tbps)`;
  assert.throws(() => parseRate("100"), { message: `found "100", ${rate}` });
  assert.throws(() => parseRate("100Mb"), { message: `found "100Mb", ${rate}` });
  assert.throws(() => parseRate("100MBPS"), { message: `found "100MBPS", ${rate}` });
  assert.throws(() => parseRate("5ms"), { message: `found "5ms", ${rate}` });
  assert.throws(() => parseRate(NaN), { message: `found NaN, ${rate}` });
  assert.throws(() => parseRate(Infinity), { message: `found Infinity, ${rate}` });
  assert.throws(() => parseRate(null), { message: `found null, ${rate}` });
  assert.throws(() => parseRate([1]), { message: `found a list, ${rate}` });
  const time = `expected a time such as "20ms" (ns, us, ms, s, min or h)`;
  for (
    const text of [
      "",
      "ms",
      "1.ms",
      ".5ms",
      "1,5ms",
      "1 000ms",
      "0x10ms",
      "1  ms",
      "1ms 2us",
      "toString",
      "1constructor",
    ]
  ) {
    assert.throws(() => parseTime(text), { message: `found ${JSON.stringify(text)}, ${time}` });
  }
  assert.throws(() => parseTime("1e999s"), { message: `found "1e999s", ${time}` });
  assert.throws(
    () => parseBytes("64kb"),
    /found "64kb", expected a size such as "64KiB" \(B, KB, KiB, MB, MiB, GB or GiB\)/,
  );
  assert.throws(() => parseLimit("1.5pkt"), { message: `found "1.5pkt", expected a whole number of packets` });
});

test("units: a number is written in the largest unit in which it is whole", () => {
  assert.equal(formatQuantity(1_500_000, "time"), "1500us");
  assert.equal(formatQuantity(0, "time"), "0ns");
  assert.equal(formatQuantity(120e9, "time"), "2min");
  assert.equal(formatQuantity(100 * 86_400e9, "time"), "100 days");
  assert.equal(formatQuantity(2 ** 22, "bytes"), "4MiB");
  assert.equal(formatQuantity(2_500_000_000, "rate"), "2500Mbps");
});
