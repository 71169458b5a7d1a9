import assert from "node:assert/strict";
import test from "node:test";
import { progressText } from "../../src/cli/progress.ts";

test("progress: tells how far, how fast and how long it will take", () => {
  const text = progressText({ simulated_s: 2.5, duration_s: 10, wall_s: 2, segments_delivered: 5_000_000 });
  assert.equal(text, "━━━━────────────  2.5 s of 10 s  25 %  2.50 M segments/s  6.0 s left");
});

test("progress: before anything is simulated there is no estimate", () => {
  const text = progressText({ simulated_s: 0, duration_s: 10, wall_s: 0.5, segments_delivered: 0 });
  assert.equal(text, "────────────────  0.0 s of 10 s  0 %  0 segments/s");
});

test("progress: long estimates are minutes and hours", () => {
  const text = (wall_s: number): string =>
    progressText({ simulated_s: 5, duration_s: 10, wall_s, segments_delivered: 1 });
  assert.match(text(59.9), / {2}59\.9 s left$/);
  assert.match(text(130), / {2}2 min 10 s left$/);
  assert.match(text(5400), / {2}1\.5 h left$/);
});

test("progress: a long run at full speed fits a terminal of eighty characters", () => {
  const state = { simulated_s: 99_999.9, duration_s: 100_000, wall_s: 3e6, segments_delivered: 2.63e6 * 3e6 };
  assert.ok(progressText(state).length < 80, progressText(state));
});
