import assert from "node:assert/strict";
import test from "node:test";
import { BrailleCanvas } from "../../src/report/terminal/braille.ts";
import { drawChart } from "../../src/report/terminal/chart.ts";
import { chartsText, type Style } from "../../src/report/terminal/charts.ts";
import { tablesText } from "../../src/report/terminal/tables.ts";
import { makeResult } from "./fixture.ts";
import { matchGolden } from "./golden.ts";

const same = (text: string): string => text;
const plain: Style = { width: 100, bold: same, faint: same, lines: [same] };

function chartOf(values: number[], band?: { low: number[]; high: number[] }): string[] {
  return drawChart({
    quantity: "chart",
    note: "",
    time_s: Float64Array.from(values, (_, i) => i),
    line: Float64Array.from(values),
    band: band && { low: Float64Array.from(band.low), high: Float64Array.from(band.high) },
    top: 10,
    width: 40,
    height: 4,
    paintBold: same,
    paintLine: same,
    paintFaint: same,
  });
}

/** Heights of the set dots of each dot column, 0 at the bottom. */
function dotsOf(chart: string[]): number[][] {
  const rows = chart.slice(1, -2).map((row) => row.slice(row.search(/[┤│]/) + 1));
  const dots: number[][] = Array.from({ length: rows[0].length * 2 }, () => []);
  const bits = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
  rows.forEach((row, r) =>
    [...row].forEach((character, c) => {
      const cell = character === " " ? 0 : character.charCodeAt(0) - 0x2800;
      bits.forEach((column, x) =>
        column.forEach((bit, y) => {
          if (cell & bit) dots[c * 2 + x].push(rows.length * 4 - 1 - (r * 4 + y));
        })
      );
    })
  );
  return dots;
}

test("braille: a dot of the line is the Unicode dot of its place", () => {
  const canvas = new BrailleCanvas(2, 1);
  canvas.line(0, 0, 0);
  canvas.line(3, 3, 3);
  assert.equal(canvas.row(0, same, same), "⠁⢀");
});

test("braille: the band gives way to the line, and each is painted as its own", () => {
  const canvas = new BrailleCanvas(3, 1);
  for (let x = 0; x < 6; x++) canvas.band(x, 0, 3);
  canvas.line(2, 1, 1);
  assert.equal(canvas.row(0, (text) => `<${text}>`, (text) => `(${text})`), "(⠅)<⠂>(⠅)");
});

test("chart: a rising line climbs through every row of dots without a gap", () => {
  const dots = dotsOf(chartOf([0, 10]));
  assert.deepEqual(dots[0], [0]);
  assert.ok(dots.at(-1)!.includes(15));
  for (let x = 1; x < dots.length; x++) {
    assert.ok(dots[x].length > 0, `column ${x} is empty`);
    assert.ok(Math.min(...dots[x]) - Math.max(...dots[x - 1]) <= 1, `a gap before column ${x}`);
  }
});

test("chart: one sample among a thousand that peaks is seen", () => {
  const values = new Array(1000).fill(1);
  values[500] = 10;
  const highest = Math.max(...dotsOf(chartOf(values)).flat());
  assert.equal(highest, 15);
});

test("chart: missing values leave the plot empty there", () => {
  const dots = dotsOf(chartOf([1, 1, NaN, NaN, NaN, 1, 1]));
  assert.equal(dots[dots.length >> 1].length, 0);
  assert.ok(dots[0].length > 0 && dots.at(-1)!.length > 0);
});

test("chart: the band fills between its edges and not beyond", () => {
  const dots = dotsOf(chartOf([5, 5], { low: [2, 2], high: [8, 8] }));
  // Of 16 rows of dots, 2 and 8 of 10 fall on rows 3 and 12; every other one is set.
  assert.equal(Math.min(...dots.flat()), 3);
  assert.equal(Math.max(...dots.flat()), 12);
});

test("charts: a hundred flows are drawn as last reviewed", () => {
  matchGolden("charts-100-flows.txt", chartsText(makeResult([["cubic", 100]]), plain));
});

test("charts: no row is wider than the terminal", () => {
  for (const width of [60, 80, 140]) {
    const text = chartsText(makeResult([["cubic", 3], ["reno", 30]]), { ...plain, width });
    for (const row of text.split("\n")) assert.ok([...row].length <= width, `${[...row].length} > ${width}: ${row}`);
  }
});

test("charts: groups share one scale, so that heights compare", () => {
  const result = makeResult([["big", 1], ["small", 1]]);
  result.series.flows[1].cwnd = result.series.flows[1].cwnd!.map((value) => value / 10);
  const text = chartsText(result, plain);
  const axes = text.split("\n\n").filter((chart) => chart.startsWith("cwnd")).map((chart) =>
    chart.split("\n").slice(1).map((row) => row.split(/[┤│]/)[0]).join("\n")
  );
  assert.equal(axes.length, 2);
  assert.equal(axes[0], axes[1]);
});

test("charts: one flow that peaks alone does not set the scale of a crowd", () => {
  const result = makeResult([["cubic", 100]]);
  result.series.flows[50].cwnd![30] = 1000;
  assert.doesNotMatch(chartsText(result, plain).split("\n\n")[0], /\d{3} ┤/);
});

test("chart: what is above the top stays at the top", () => {
  const dots = dotsOf(chartOf([5, 100, 5]));
  assert.equal(Math.max(...dots.flat()), 15);
});

test("charts: without series there is nothing to draw", () => {
  const result = makeResult([["cubic", 1]]);
  result.series = { time_s: new Float64Array(), flows: {}, links: {} };
  assert.equal(chartsText(result, plain), "");
});

test("tables: few flows have a row each", () => {
  matchGolden("tables-4-flows.txt", tablesText(makeResult([["cubic", 2], ["reno", 2]]), plain));
});

test("tables: more than twenty flows have a row a group", () => {
  matchGolden("tables-100-flows.txt", tablesText(makeResult([["cubic", 60], ["reno", 40]]), plain));
});

test("tables: a hundred thousand flows are summarized without spreading them over a call", () => {
  const result = makeResult([["cubic", 1]], 2);
  result.flows = Array.from({ length: 100_000 }, (_, id) => ({ ...result.flows[0], id }));
  assert.match(tablesText(result, plain), /^cubic +100 k /m);
});

test("tables: a partial result says so and until when it ran", () => {
  const result = { ...makeResult([["cubic", 1]]), partial: true, simulated_s: 3.2 };
  assert.match(tablesText(result, plain), /^partial: stopped at 3\.2 s/m);
});

test("tables: completion times stand there once a flow completed", () => {
  const result = makeResult([["cubic", 2]]);
  assert.doesNotMatch(tablesText(result, plain), /complet/);
  result.flows[1].fct_s = 1.5;
  result.aggregate.fct_ms_p50 = result.aggregate.fct_ms_p99 = 1500;
  assert.match(tablesText(result, plain), /^cubic 1 .*1\.50? s$/m);
  assert.match(tablesText(result, plain), /completion p50 1\.5 s/);
});

test("tables: links that dropped stand beside the bottleneck, quiet ones do not", () => {
  const result = makeResult([["cubic", 1]]);
  assert.doesNotMatch(tablesText(result, plain), /^bottleneck\.reverse/m);
  result.links[1].drops.loss = 3;
  assert.match(tablesText(result, plain), /^bottleneck\.reverse .* 3 loss/m);
});

test("tables: without a link called bottleneck the busiest one is shown", () => {
  const result = makeResult([["cubic", 1]]);
  result.links = result.links.map((link, i) => ({ ...link, id: `hop ${i}`, utilization: i }));
  assert.match(tablesText(result, plain), /^hop 1 +100 %/m);
});

test("charts: both directions of a link that have a queue are drawn", () => {
  const result = makeResult([["cubic", 1]]);
  const forth = result.series.links.bottleneck.queue_packets ?? new Float64Array();
  result.series.links["bottleneck:reverse"] = { queue_packets: forth.map((packets) => packets * 2) };
  const headings = chartsText(result, plain).split("\n").filter((row) => row.startsWith("queue (packets)"));
  assert.deepEqual(headings, ["queue (packets)  bottleneck:reverse", "queue (packets)  bottleneck"]);
});
