import assert from "node:assert/strict";
import test from "node:test";
import { histogramPercentile, jainIndex, mean, percentile } from "../../src/results/stats.ts";

test("mean: of nothing is NaN", () => {
  assert.equal(mean([1, 2, 6]), 3);
  assert.ok(Number.isNaN(mean([])));
});

test("jainIndex: equal shares give exactly one, also at terabits", () => {
  for (const share of [1, 0.1, 9.87e6, 1e12 / 3]) assert.equal(jainIndex(new Array(7).fill(share)), 1);
});

test("jainIndex: one of n taking all gives 1/n", () => {
  assert.equal(jainIndex([0, 0, 5e9, 0]), 0.25);
});

test("jainIndex: agrees with the formula on uneven shares", () => {
  const shares = [3, 1, 4, 1, 5];
  assert.ok(Math.abs(jainIndex(shares) - 14 ** 2 / (5 * (9 + 1 + 16 + 1 + 25))) < 1e-12);
});

test("jainIndex: nothing sent is fair, no flows is no measurement", () => {
  assert.equal(jainIndex([0, 0]), 1);
  assert.ok(Number.isNaN(jainIndex([])));
});

test("percentile: interpolates between neighbours", () => {
  assert.equal(percentile([1, 2, 3, 4], 50), 2.5);
  assert.equal(percentile([1, 2, 3, 4], 25), 1.75);
  assert.equal(percentile([1, 2, 3, 4], 0), 1);
  assert.equal(percentile([1, 2, 3, 4], 100), 4);
  assert.equal(percentile([7], 99), 7);
  assert.ok(Number.isNaN(percentile([], 50)));
});

test("histogramPercentile: takes the bucket that holds the nearest rank", () => {
  const counts = [0, 50, 0, 49, 1, 0];
  const valueOf = (bucket: number): number => bucket * 10;
  assert.equal(histogramPercentile(counts, valueOf, 0), 10);
  assert.equal(histogramPercentile(counts, valueOf, 50), 10);
  assert.equal(histogramPercentile(counts, valueOf, 51), 30);
  assert.equal(histogramPercentile(counts, valueOf, 99), 30);
  assert.equal(histogramPercentile(counts, valueOf, 100), 40);
  assert.ok(Number.isNaN(histogramPercentile([0, 0], valueOf, 50)));
});

test("histogramPercentile: agrees with nearest rank over the samples themselves", () => {
  // A fixed linear congruential sequence stands for samples; one bucket a value makes the histogram exact.
  const samples: number[] = [];
  for (let i = 0, x = 12345; i < 1000; i++) samples.push((x = (x * 1103515245 + 12345) % 2147483648) % 97);
  const counts = new Array(97).fill(0);
  for (const sample of samples) counts[sample]++;
  samples.sort((a, b) => a - b);
  for (const p of [1, 10, 50, 90, 99, 99.9]) {
    assert.equal(histogramPercentile(counts, (bucket) => bucket, p), samples[Math.ceil((p / 100) * 1000) - 1]);
  }
});
