import assert from "node:assert/strict";
import test from "node:test";
import { axisTop, envelope, evenly, quantiles, queueColumns, thin } from "../../src/report/columns.ts";
import { makeResult } from "./fixture.ts";

test("envelope: mean, least and most of the columns that have a value", () => {
  const { mean, min, max } = envelope([
    Float64Array.of(1, NaN, NaN, -2),
    Float64Array.of(3, 5, NaN, -4),
  ]);
  assert.deepEqual([...mean], [2, 5, NaN, -3]);
  assert.deepEqual([...min], [1, 5, NaN, -4]);
  assert.deepEqual([...max], [3, 5, NaN, -2]);
});

test("envelope: of no columns is empty", () => {
  assert.equal(envelope([]).mean.length, 0);
});

test("thin: keeps a short column as it is", () => {
  assert.deepEqual([...thin(Float64Array.of(4, 5, 6), 3)], [0, 1, 2]);
});

test("thin: keeps every peak and every collapse, in order", () => {
  const column = new Float64Array(10_000).fill(5);
  column[1234] = 100;
  column[1240] = 0;
  column[9999] = 77;
  const kept = [...thin(column, 200)];
  assert.ok(kept.length <= 200, `${kept.length} kept`);
  for (const at of [1234, 1240, 9999]) assert.ok(kept.includes(at), `sample ${at} lost`);
  assert.deepEqual(kept, [...kept].sort((a, b) => a - b));
});

test("thin: a value after missing ones is kept", () => {
  const column = new Float64Array(100).fill(NaN);
  column[57] = 3;
  assert.ok(thin(column, 10).includes(57));
});

test("queueColumns: the fullest link comes first, one without a queue beside it is left out", () => {
  const result = makeResult([["cubic", 1]]);
  result.series.links = {
    empty: { queue_packets: Float64Array.of(0, 1) },
    full: { queue_packets: Float64Array.of(200, 0) },
    half: { queue_packets: Float64Array.of(0, 100) },
  };
  assert.deepEqual(queueColumns(result).lines.map((line) => line.name), ["full", "half"]);
});

test("quantiles: of the columns that have a value there", () => {
  const columns = Array.from({ length: 11 }, (_, i) => Float64Array.of(i, i === 4 ? 7 : NaN, NaN));
  const { low, high } = quantiles(columns, 10, 90);
  assert.deepEqual([...low], [1, 7, NaN]);
  assert.deepEqual([...high], [9, 7, NaN]);
});

test("quantiles: of very many columns are close to exact", () => {
  const columns = Array.from({ length: 50_000 }, (_, i) => Float64Array.of(i));
  const { low, high } = quantiles(columns, 10, 90);
  assert.ok(Math.abs(low[0] - 5000) < 100 && Math.abs(high[0] - 45_000) < 100, `${low[0]} to ${high[0]}`);
});

test("evenly: takes the first, and as many as asked for", () => {
  assert.deepEqual(evenly([0, 1, 2, 3, 4, 5, 6], 3), [0, 2, 4]);
  assert.deepEqual(evenly([0, 1], 2), [0, 1]);
});

test("axisTop: few lines are shown whole", () => {
  const lines = [Float64Array.of(1, 1000), Float64Array.of(1, 1)];
  assert.deepEqual(axisTop(lines), { top: 1000, peak: 1000 });
});

test("axisTop: a crowd sets the scale, and the one that left it is told", () => {
  const crowd = Array.from({ length: 100 }, () => new Float64Array(100).fill(20));
  assert.deepEqual(axisTop(crowd), { top: 20, peak: 20 });
  crowd[7][5] = 900;
  const { top, peak } = axisTop(crowd);
  assert.equal(peak, 900);
  assert.ok(top >= 20 && top < 60, `top ${top}`);
});

test("axisTop: never cuts the mean", () => {
  const crowd = Array.from({ length: 100 }, () => new Float64Array(1000).fill(20));
  for (const column of crowd) column[5] = 500;
  assert.equal(axisTop(crowd).top, 500);
});
